//! Hints that the configured port may use another protocol. The hint is appended to the reason of a failure until the
//! server has responded in the exporter's protocol.

pub(super) const HTTP: &str = "if this port is for gRPC, set the protocol to grpc (OTEL_EXPORTER_OTLP_PROTOCOL), or use the port for HTTP, usually 4318";

#[cfg(feature = "grpc")]
pub(super) const GRPC: &str = "if this port is for HTTP, set the protocol to http/protobuf (OTEL_EXPORTER_OTLP_PROTOCOL), or use the port for gRPC, usually 4317";
