//! Secrets in endpoints and in errors are neither logged nor exported.

use crate::{
    process::Process,
    support::collector::{Collector, ReservedAddress},
};

#[test]
fn endpoint_secrets_are_not_logged() {
    // The address is reserved, so that no other test listens on it.
    let place = ReservedAddress::reserve();
    let address = place.address;
    for variable in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        let endpoint = format!("http://hunter1:hunter2@{address}/otlp?token=hunter3&hunter4");
        let said = Process::start(&[(variable, &endpoint)]).stop();
        assert!(
            said.exporter().contains(&format!("{address}/otlp")),
            "{}",
            said.exporter()
        );
        assert!(said.spans[2] > 0, "an export has failed: {:?}", said.spans);
        for secret in ["hunter1", "hunter2", "hunter3", "hunter4"] {
            let lines: Vec<_> = said
                .stdout
                .lines()
                .filter(|line| line.contains(secret))
                .collect();
            assert_eq!(lines, [""; 0], "{variable}");
            assert!(!said.stderr.contains(secret), "{}", said.stderr);
        }
    }
}

#[test]
fn refused_endpoint_error_has_no_secrets() {
    for endpoint in [
        "ftp://hunter1:hunter2@localhost/?token=hunter3",
        "hunter1:hunter2@localhost?token=hunter3",
    ] {
        let error = Process::refused(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
        assert!(error.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{error}");
        assert!(!error.contains("hunter"), "{error}");
    }
}

/// The text of an error that contains secrets. `REDACTED` is the same text after redaction.
const TEXT: &str = "no answer from http://ann:hunter2@host/a?token=hunter2 with password=hunter2";
const REDACTED: &str =
    "no answer from http://REDACTED@host/a?token=REDACTED with password=REDACTED";

#[test]
fn errors_are_exported_without_secrets() {
    let collector = Collector::start();
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url());
    for exporter in ["otlp", "console"] {
        let mut process = Process::start(&[endpoint, ("OTEL_TRACES_EXPORTER", exporter)]);
        process.record_errors(TEXT);
        let said = process.stop();
        let exported = match exporter {
            "otlp" => format!("{:?}", collector.spans()),
            _ => said.stderr.clone(),
        };
        assert!(!exported.contains("hunter2"), "{exporter}: {exported}");
        // Each of the five spans has the text at least five times: in its attributes and in four exceptions. A typed
        // error also has a cause.
        let number = exported.matches(REDACTED).count();
        assert!(number >= 5 * 5, "{exporter}: {number} in {exported}");
    }
}

#[test]
fn errors_are_logged_without_secrets() {
    for format in ["json", "pretty"] {
        let mut process =
            Process::start(&[("OTEL_TRACES_EXPORTER", "none"), ("LOG_FORMAT", format)]);
        process.record_errors(TEXT);
        let stdout = process.stop().stdout.clone();
        assert!(!stdout.contains("hunter2"), "{format}: {stdout}");
        let number = stdout.matches(REDACTED).count();
        assert!(number >= 5 * 10, "{format}: {number} in {stdout}");
        // An error that is recorded as a `dyn Error` is logged with its cause.
        let both = format!("{REDACTED}: cause: {REDACTED}");
        assert_eq!(stdout.matches(&both).count(), 5 * 3, "{format}: {stdout}");
    }
}
