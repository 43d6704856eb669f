//! [`Fault`]: the faults that can occur while orders are sent.

use clap::ValueEnum;

/// A fault that occurs while orders are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Fault {
    /// The collector is missing at the start
    Absent,
    /// The collector is stopped and started again
    Stopped,
    /// The collector is paused (SIGSTOP) and resumed
    Paused,
    /// The collector answers 503 with Retry-After
    Unavailable,
    /// The collector answers after longer than `OTEL_EXPORTER_OTLP_TIMEOUT`
    Slow,
    /// The collector answers 503 on its open connections, and takes spans on new ones
    SickBackend,
    /// The collector stops answering on its open connections, and takes spans on new ones
    DeadConnection,
    /// The collector is restarted, and its name takes 5 s to resolve since the first name server is dead
    SlowName,
    /// The collector answers 503 to every request with a span of one order
    Poison,
    /// The collector answers 413 to bodies over 16 KiB
    TooLarge,
    /// `http_proxy` names a proxy that answers 403, and the collector is on loopback
    Proxy,
    /// Both services shut down (SIGTERM) while the collector is available
    Shutdown,
    /// Both services shut down while the collector is stopped
    ShutdownAlone,
    /// As many orders as the services can handle
    Flood,
}

impl Fault {
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether the requests that the fault affects are counted.
    pub(super) fn is_counted(self) -> bool {
        matches!(
            self,
            Self::Unavailable
                | Self::Slow
                | Self::SickBackend
                | Self::DeadConnection
                | Self::SlowName
                | Self::Poison
                | Self::TooLarge
        )
    }

    /// Whether the services keep running, so that every order must succeed.
    pub(super) fn spares_services(self) -> bool {
        !matches!(self, Self::Shutdown | Self::ShutdownAlone)
    }
}
