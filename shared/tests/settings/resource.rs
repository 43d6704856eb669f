//! `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`.

use std::collections::HashMap;

use crate::{
    process::{Process, Said},
    support::collector::Collector,
};

fn run(variables: &[(&str, &str)]) -> (HashMap<String, String>, Said) {
    let collector = Collector::start();
    let url = collector.url();
    let variables = [variables, &[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())]].concat();
    let said = Process::start(&variables).stop();
    (collector.export().resource(), said)
}

#[test]
fn service_name_sources_have_precedence() {
    let name = |name: &'static str| ("OTEL_SERVICE_NAME", name);
    let attributes = |list: &'static str| ("OTEL_RESOURCE_ATTRIBUTES", list);
    for (variables, expected) in [
        (vec![], "from-code"),
        (vec![name(""), attributes(" ")], "from-code"),
        (vec![attributes("team=a")], "from-code"),
        (vec![attributes("service.name=")], "from-code"),
        (
            vec![attributes("service.name=from-attributes")],
            "from-attributes",
        ),
        (
            vec![attributes("service.name=first,service.name=last")],
            "last",
        ),
        (
            vec![name(" "), attributes("service.name=from-attributes")],
            "from-attributes",
        ),
        (vec![name(" from-name ")], "from-name"),
        (
            vec![
                name("from-name"),
                attributes("service.name=from-attributes"),
            ],
            "from-name",
        ),
    ] {
        let (resource, said) = run(&variables);
        assert_eq!(resource["service.name"], expected, "{variables:?}");
        assert!(
            said.logs().iter().all(|log| log["service"] == expected),
            "log lines have it too"
        );
    }
}

#[test]
fn attributes_are_trimmed_and_decoded() {
    let (resource, said) = run(&[(
        "OTEL_RESOURCE_ATTRIBUTES",
        " deployment.environment.name = production ,team=caf%C3%A9%2Cbar, empty=,",
    )]);
    assert_eq!(resource["deployment.environment.name"], "production");
    assert_eq!(resource["team"], "caf\u{e9},bar");
    assert_eq!(resource["empty"], "");
    assert_eq!(resource["telemetry.sdk.language"], "rust");
    assert_eq!(said.warnings(), [""; 0]);
}

#[test]
fn malformed_resource_list_is_discarded_with_warning() {
    for list in ["team", "a=1,team", "a=1,=b", "a=%ff"] {
        let (resource, said) = run(&[("OTEL_RESOURCE_ATTRIBUTES", list)]);
        assert_eq!(resource.get("a"), None);
        let expected = format!(
            "OTEL_RESOURCE_ATTRIBUTES is `{list}`, which cannot be used: expected percent-encoded key=value pairs, separated by commas; using none of its attributes instead"
        );
        assert_eq!(said.warnings(), [expected]);
    }
}

#[test]
fn secret_in_error_attribute_is_redacted() {
    let list = "error.sink=https://ann:hunter2@sentry/1,sink=https://sentry/1";
    let (resource, _) = run(&[("OTEL_RESOURCE_ATTRIBUTES", list)]);
    assert_eq!(resource["error.sink"], "https://REDACTED@sentry/1");
    assert_eq!(resource["sink"], "https://sentry/1");
}
