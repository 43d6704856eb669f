//! Both services as real processes, their OTLP as real bytes: what a user of this repository sees.

mod contract;
mod joined;
mod services;
mod shutdown;
