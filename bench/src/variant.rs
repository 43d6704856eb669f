//! [`Variant`]: the tracing setups that are compared.

use clap::ValueEnum;

/// A way to trace the two services, or no tracing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Variant {
    /// axum and reqwest alone
    Untraced,
    /// `shared` with its defaults: all sampled, one log line per request
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
    /// Go's net/http alone; only with `--only`, since it needs Go
    GoUntraced,
    /// Go's otelhttp on both sides, all sampled; only with `--only`
    GoOtelhttp,
    /// fastrace with its crates for axum, reqwest and OpenTelemetry
    #[cfg(feature = "peers")]
    Fastrace,
    /// axum-tracing-opentelemetry and reqwest-tracing, without the default attributes of tracing-opentelemetry
    #[cfg(feature = "peers")]
    PublishedLean,
    /// axum-tracing-opentelemetry and reqwest-tracing
    #[cfg(feature = "peers")]
    Published,
    /// axum-tracing-opentelemetry and reqwest-tracing, with one JSON log line per request
    #[cfg(feature = "peers")]
    PublishedLog,
}

/// The program that runs the services of a variant.
pub(crate) enum Program {
    /// The bench itself.
    Ours,
    /// The Go program in the folder `go`, with these arguments.
    Go(&'static [&'static str]),
}

/// The tracing code of a variant.
pub(crate) enum Stack {
    Untraced,
    Ours,
    ByHand,
    #[cfg(feature = "peers")]
    Fastrace,
    #[cfg(feature = "peers")]
    Published(Published),
}

/// The setup of axum-tracing-opentelemetry and reqwest-tracing.
#[cfg(feature = "peers")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// Without the default attributes of `tracing-opentelemetry`: threads, code locations, busy and idle times.
    Lean,
    /// With the default attributes of `tracing-opentelemetry`.
    Plain,
    /// With the default attributes of `tracing-opentelemetry` and one JSON log line per request.
    WithLog,
}

const NO_LOG: (&str, &str) = ("RUST_LOG", "off");
/// Samples no trace. With a sampling ratio of 1 %, 99 % of requests have this cost.
const NOT_SAMPLED: [(&str, &str); 2] = [
    ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
    ("OTEL_TRACES_SAMPLER_ARG", "0"),
];
/// The SDK's default queue of 2,048 spans overflows under this load, and dropped spans cost nothing to export.
const LONG_QUEUE: (&str, &str) = ("OTEL_BSP_MAX_QUEUE_SIZE", "65536");
const DISABLED: (&str, &str) = ("OTEL_SDK_DISABLED", "true");

impl Variant {
    /// Returns the untraced variant that this variant is compared with.
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
            // The Go variants run in the Go program, which does not read this value.
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

    /// Returns the environment variables of this variant, for both services.
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
            // fastrace's queue is unbounded by default.
            Self::Fastrace => vec![],
            #[cfg(feature = "peers")]
            Self::PublishedLean | Self::Published | Self::PublishedLog => vec![LONG_QUEUE],
        }
    }

    /// Returns the number of exported spans per request: SERVER of A, CLIENT of A, SERVER of B.
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

    /// Returns the name used on the command line and in the table.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
