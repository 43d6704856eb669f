//! [`Variant`]: what is measured beside each other.

use clap::ValueEnum;

/// A way to trace the two services, or not to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Variant {
    /// axum and reqwest alone
    Untraced,
    /// `shared` by its defaults: all sampled, a log line for each request served
    Ours,
    /// `shared`, all sampled, without its log
    OursNoLog,
    /// `shared`, nothing sampled, with its log
    OursNotSampled,
    /// `shared`, nothing sampled, without its log
    OursNotSampledNoLog,
    /// `shared`, disabled, with its log
    OursDisabled,
    /// `shared`, disabled, without its log
    OursDisabledNoLog,
}

/// The code that a variant runs.
pub(crate) enum Stack {
    Untraced,
    Ours,
}

const NO_LOG: (&str, &str) = ("RUST_LOG", "off");
/// A root is not, and B does as A did: what most requests are where one in a hundred is sampled.
const NOT_SAMPLED: [(&str, &str); 2] = [
    ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
    ("OTEL_TRACES_SAMPLER_ARG", "0"),
];
const DISABLED: (&str, &str) = ("OTEL_SDK_DISABLED", "true");

impl Variant {
    pub(crate) fn stack(self) -> Stack {
        match self {
            Self::Untraced => Stack::Untraced,
            Self::Ours
            | Self::OursNoLog
            | Self::OursNotSampled
            | Self::OursNotSampledNoLog
            | Self::OursDisabled
            | Self::OursDisabledNoLog => Stack::Ours,
        }
    }

    /// The environment of both services.
    pub(crate) fn environment(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Untraced | Self::Ours => vec![],
            Self::OursNoLog => vec![NO_LOG],
            Self::OursNotSampled => NOT_SAMPLED.to_vec(),
            Self::OursNotSampledNoLog => [&NOT_SAMPLED[..], &[NO_LOG]].concat(),
            Self::OursDisabled => vec![DISABLED],
            Self::OursDisabledNoLog => vec![DISABLED, NO_LOG],
        }
    }

    /// How many spans a request makes that are sent: SERVER of A, CLIENT of A, SERVER of B.
    pub(crate) fn spans(self) -> u64 {
        match self {
            Self::Ours | Self::OursNoLog => 3,
            Self::Untraced
            | Self::OursNotSampled
            | Self::OursNotSampledNoLog
            | Self::OursDisabled
            | Self::OursDisabledNoLog => 0,
        }
    }

    /// As it is written on the command line and in the table.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
