//! [`Variant`]: what is measured beside each other.

use clap::ValueEnum;

#[cfg(feature = "peers")]
use crate::service::Published;

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
    /// The OpenTelemetry API by hand, with the attributes of `shared`
    ByHand,
    /// Go's net/http alone; only where it is named, since it needs Go
    GoUntraced,
    /// Go's otelhttp on both sides, all sampled; only where it is named
    GoOtelhttp,
    /// fastrace with its crates for axum, reqwest and OpenTelemetry
    #[cfg(feature = "peers")]
    Fastrace,
    /// axum-tracing-opentelemetry and reqwest-tracing, without what tracing-opentelemetry adds by default
    #[cfg(feature = "peers")]
    PublishedLean,
    /// axum-tracing-opentelemetry and reqwest-tracing
    #[cfg(feature = "peers")]
    Published,
    /// axum-tracing-opentelemetry and reqwest-tracing, with a line of JSON for each request served
    #[cfg(feature = "peers")]
    PublishedLog,
}

/// The program that a variant is.
pub(crate) enum Program {
    /// This one.
    Ours,
    /// The folder `go`, with these arguments.
    Go(&'static [&'static str]),
}

/// The code that a variant runs.
pub(crate) enum Stack {
    Untraced,
    Ours,
    ByHand,
    #[cfg(feature = "peers")]
    Fastrace,
    #[cfg(feature = "peers")]
    Published(Published),
}

const NO_LOG: (&str, &str) = ("RUST_LOG", "off");
/// A root is not, and B does as A did: what most requests are where one in a hundred is sampled.
const NOT_SAMPLED: [(&str, &str); 2] = [
    ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
    ("OTEL_TRACES_SAMPLER_ARG", "0"),
];
/// The SDK's own queue is full at this load with its 2048 spans, and what is lost costs nothing to send.
const LONG_QUEUE: (&str, &str) = ("OTEL_BSP_MAX_QUEUE_SIZE", "65536");
const DISABLED: (&str, &str) = ("OTEL_SDK_DISABLED", "true");

impl Variant {
    /// What it is compared with.
    pub(crate) fn base(self) -> Self {
        match self {
            Self::GoUntraced | Self::GoOtelhttp => Self::GoUntraced,
            _ => Self::Untraced,
        }
    }

    pub(crate) fn program(self) -> Program {
        match self {
            Self::GoUntraced => Program::Go(&[]),
            Self::GoOtelhttp => Program::Go(&["--traced"]),
            _ => Program::Ours,
        }
    }

    pub(crate) fn stack(self) -> Stack {
        match self {
            // Go's have none here.
            Self::Untraced | Self::GoUntraced | Self::GoOtelhttp => Stack::Untraced,
            Self::Ours
            | Self::OursNoLog
            | Self::OursNotSampled
            | Self::OursNotSampledNoLog
            | Self::OursDisabled
            | Self::OursDisabledNoLog => Stack::Ours,
            Self::ByHand => Stack::ByHand,
            #[cfg(feature = "peers")]
            Self::Fastrace => Stack::Fastrace,
            #[cfg(feature = "peers")]
            Self::PublishedLean => Stack::Published(Published::Lean),
            #[cfg(feature = "peers")]
            Self::Published => Stack::Published(Published::Plain),
            #[cfg(feature = "peers")]
            Self::PublishedLog => Stack::Published(Published::WithLog),
        }
    }

    /// The environment of both services.
    pub(crate) fn environment(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Untraced | Self::Ours | Self::GoUntraced => vec![],
            Self::OursNoLog => vec![NO_LOG],
            Self::OursNotSampled => NOT_SAMPLED.to_vec(),
            Self::OursNotSampledNoLog => [&NOT_SAMPLED[..], &[NO_LOG]].concat(),
            Self::OursDisabled => vec![DISABLED],
            Self::OursDisabledNoLog => vec![DISABLED, NO_LOG],
            Self::ByHand | Self::GoOtelhttp => vec![LONG_QUEUE],
            #[cfg(feature = "peers")]
            // Of its own its queue has no end.
            Self::Fastrace => vec![],
            #[cfg(feature = "peers")]
            Self::PublishedLean | Self::Published | Self::PublishedLog => vec![LONG_QUEUE],
        }
    }

    /// How many spans a request makes that are sent: SERVER of A, CLIENT of A, SERVER of B.
    pub(crate) fn spans(self) -> u64 {
        match self {
            Self::Untraced
            | Self::GoUntraced
            | Self::OursNotSampled
            | Self::OursNotSampledNoLog
            | Self::OursDisabled
            | Self::OursDisabledNoLog => 0,
            _ => 3,
        }
    }

    /// As it is written on the command line and in the table.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
