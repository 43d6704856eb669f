//! What an endpoint was given in confidence, its user info and its query, is used and never said.

use crate::{collector::Place, process::Process};

#[test]
fn the_secrets_of_an_endpoint_are_not_said_at_the_start_nor_when_an_export_fails() {
    // Nobody listens there, nor will any other test.
    let place = Place::reserve();
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
                .iter()
                .filter(|line| line.contains(secret))
                .collect();
            assert_eq!(lines, [""; 0], "{variable}");
            assert!(!said.stderr.contains(secret), "{}", said.stderr);
        }
    }
}

#[test]
fn the_secrets_of_an_endpoint_are_not_said_when_it_is_refused() {
    for endpoint in [
        "ftp://hunter1:hunter2@localhost/?token=hunter3",
        "hunter1:hunter2@localhost?token=hunter3",
    ] {
        let error = Process::refused(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
        assert!(error.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{error}");
        assert!(!error.contains("hunter"), "{error}");
    }
}
