//! Warnings about `OTEL_*` variables that have no effect: unsupported variables of the specification, and unknown
//! names, such as misspelled names, removed names and names for SDKs of other languages.

use std::env;

use super::{
    names::{OPERATOR, READ, UNSUPPORTED, is_known},
    variables::Variables,
};

/// Returns the names of the `OTEL_*` variables in the environment, sorted.
pub(super) fn names() -> Vec<String> {
    let names = env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("OTEL_")).collect();
    names.sort_unstable();
    names
}

/// Warns of each unsupported variable that is set to anything but `none`. Values are not shown, since they may be
/// secrets.
pub(super) fn warn_of_unsupported(variables: &mut Variables<'_>) {
    for variable in UNSUPPORTED {
        if variables
            .text(variable)
            .is_some_and(|value| !value.eq_ignore_ascii_case("none"))
        {
            variables.warn(format!("{variable} is not supported and has no effect"));
        }
    }
}

/// Warns of each unknown variable in `names` that has a value. Values are not shown, since they may be secrets.
pub(super) fn warn_of_unknown(variables: &mut Variables<'_>, names: &[String]) {
    for name in names {
        if is_known(name) || OPERATOR.contains(&name.as_str()) {
            continue;
        }
        let Some(value) = variables.unchecked_text(name) else {
            continue;
        };
        if is_service_link(name, &value) {
            continue;
        }
        let shown = name.escape_debug();
        variables.warn(match nearest(name) {
            Some(known) => {
                format!("{shown} is unknown and has no effect: did you mean {known}?")
            }
            None => format!("{shown} is unknown and has no effect"),
        });
    }
}

/// Returns whether Kubernetes sets this variable for a service whose name begins with `otel-`, such as
/// `OTEL_COLLECTOR_SERVICE_HOST` and `OTEL_COLLECTOR_PORT_4317_TCP` for `otel-collector`.
fn is_service_link(name: &str, value: &str) -> bool {
    let has_port_number = name
        .split("_PORT_")
        .skip(1)
        .any(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || has_port_number
        || (name.ends_with("_PORT") && value.contains("://"))
}

/// Returns the known name with the smallest edit distance to `name`, if the distance is at most a third of the length
/// of `name` after `OTEL_`.
fn nearest(name: &str) -> Option<&'static str> {
    let (distance, known) = READ
        .into_iter()
        .map(|known| (distance(name, known), known))
        .min()?;
    let length = name.len() - "OTEL_".len();
    (distance * 3 <= length).then_some(known)
}

/// Returns the edit distance (Levenshtein) of two texts, in bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, left) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in right.bytes().enumerate() {
            let substituted = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(name: &str, value: &str) -> Vec<String> {
        let lookup = |_: &str| Some(value.to_owned());
        let mut variables = Variables::new(&lookup);
        warn_of_unknown(&mut variables, &[name.to_owned()]);
        variables.into_warnings()
    }

    #[test]
    fn unknown_variable_warning_names_nearest() {
        for (name, known) in [
            ("OTEL_EXPORTER_OTLP_ENDPIONT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            (
                "OTEL_EXPORTER_JAEGER_ENDPOINT",
                "OTEL_EXPORTER_OTLP_ENDPOINT",
            ),
            (
                "OTEL_EXPORTER_OTLP_SPAN_ENDPOINT",
                "OTEL_EXPORTER_OTLP_ENDPOINT",
            ),
            ("OTEL_SERVICENAME", "OTEL_SERVICE_NAME"),
            ("OTEL_TRACE_SAMPLER", "OTEL_TRACES_SAMPLER"),
            ("OTEL_RUST_SPAN_LEVLE", "OTEL_RUST_SPAN_LEVEL"),
            ("OTEL_PROPAGATOR", "OTEL_PROPAGATORS"),
        ] {
            assert_eq!(
                warnings(name, "hunter2"),
                [format!(
                    "{name} is unknown and has no effect: did you mean {known}?"
                )]
            );
        }
        for name in ["OTEL_PYTHON_LOG_CORRELATION", "OTEL_", "OTEL_X", "OTEL_é"] {
            assert_eq!(
                warnings(name, "hunter2"),
                [format!("{name} is unknown and has no effect")]
            );
        }
    }

    #[test]
    fn known_and_injected_variables_cause_no_warning() {
        let injected = [
            ("OTEL_COLLECTOR_SERVICE_HOST", "10.0.0.1"),
            ("OTEL_COLLECTOR_SERVICE_PORT_OTLP_GRPC", "4317"),
            ("OTEL_COLLECTOR_PORT", "tcp://10.0.0.1:4317"),
            ("OTEL_COLLECTOR_PORT_4317_TCP_ADDR", "10.0.0.1"),
            ("OTEL_EXPORTER_OTLP_ENDPIONT", " "),
        ];
        let known = [READ.as_slice(), &UNSUPPORTED, &OPERATOR].concat();
        let known = known.into_iter().map(|name| (name, "x"));
        for (name, value) in known.chain(injected) {
            assert_eq!(warnings(name, value), [""; 0], "{name}");
        }
        assert_eq!(
            warnings("OTEL_EXPORTER_JAEGER_AGENT_PORT", "6831").len(),
            1,
            "a removed name"
        );
    }
}
