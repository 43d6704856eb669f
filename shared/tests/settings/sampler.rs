//! `OTEL_TRACES_SAMPLER` and its argument.

use crate::{
    process::{Process, Said},
    support::wire::line,
};

const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const NOT_SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// Returns the sampled flags of three calls: without a caller, with a sampled caller, and with an unsampled caller.
fn sampled(variables: Variables<'_>) -> ([bool; 3], Said) {
    let process = Process::start(&[&[("OTEL_TRACES_EXPORTER", "none")], variables].concat());
    let callers = [
        vec![],
        vec![line("traceparent", SAMPLED)],
        vec![line("traceparent", NOT_SAMPLED)],
    ];
    let flags = callers.map(|lines| {
        let [call, _] = process.forward(&lines).1;
        matches!(call.sent("traceparent").2.as_str(), "01" | "03")
    });
    (flags, process.stop())
}

#[test]
fn each_sampler_decides_for_roots_and_callers() {
    let (name, arg) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    let rows: [(Variables<'_>, [bool; 3]); 11] = [
        (&[], [true, true, false]),
        (&[(name, " ")], [true, true, false]),
        (&[(name, "always_on")], [true, true, true]),
        (&[(name, "always_off")], [false, false, false]),
        (&[(name, "traceidratio")], [true, true, true]),
        (
            &[(name, "traceidratio"), (arg, " 0 ")],
            [false, false, false],
        ),
        (&[(name, "traceidratio"), (arg, "1.0")], [true, true, true]),
        (&[(name, " ParentBased_Always_On ")], [true, true, false]),
        (&[(name, "parentbased_always_off")], [false, true, false]),
        (
            &[(name, "parentbased_traceidratio"), (arg, "0.0")],
            [false, true, false],
        ),
        (
            &[(name, "parentbased_traceidratio"), (arg, "")],
            [true, true, false],
        ),
    ];
    for (variables, expected) in rows {
        let (flags, said) = sampled(variables);
        assert_eq!(flags, expected, "{variables:?}");
        assert_eq!(said.warnings(), [""; 0], "{variables:?}");
    }
}

#[test]
fn unknown_sampler_warns_and_uses_default() {
    let (name, arg) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    for value in ["sometimes", "jaeger_remote", "parentbased_", "xray"] {
        let (flags, said) = sampled(&[(name, value)]);
        assert_eq!(flags, [true, true, false]);
        let expected = format!(
            "{name} is `{value}`, which cannot be used: expected always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio; using parentbased_always_on instead"
        );
        assert_eq!(said.warnings(), [expected]);
    }
    for value in ["half", "-0.1", "1.1", "NaN", "inf"] {
        let (flags, said) = sampled(&[(name, "parentbased_traceidratio"), (arg, value)]);
        assert_eq!(flags, [true, true, false]);
        let expected = format!(
            "{arg} is `{value}`, which cannot be used: expected a number from 0.0 to 1.0; using 1.0 instead"
        );
        assert_eq!(said.warnings(), [expected]);
    }
}

#[test]
fn sampler_argument_alone_is_warned_of() {
    for sampler in ["", "always_on", "parentbased_always_off"] {
        let said = Process::start(&[
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ])
        .stop();
        assert_eq!(
            said.warnings(),
            [
                "OTEL_TRACES_SAMPLER_ARG has no effect: set OTEL_TRACES_SAMPLER to traceidratio or parentbased_traceidratio"
            ]
        );
    }
}
