//! `OTEL_RUST_SPAN_LEVEL`: the levels of the `tracing` spans that become spans of a trace. The variable is not in the
//! specification, which asks SDKs to include their language in the names of such variables.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::variables::Variables;

const VARIABLE: &str = "OTEL_RUST_SPAN_LEVEL";
const ALLOWED: &str =
    "a list of error, warn, info, debug, trace or off, each alone or as target=level";

/// Merges the levels of `OTEL_RUST_SPAN_LEVEL`, for all targets or for single targets, into the levels set in code.
pub(super) fn read(variables: &mut Variables<'_>, code: Targets) -> Targets {
    let instead = format!("`{code}`");
    let Some(set) = variables.parse(VARIABLE, instead, ALLOWED, parse) else {
        return code;
    };
    let mut levels = code;
    if let Some(level) = set.default_level() {
        levels = levels.with_default(level);
    }
    levels.extend(set.iter());
    levels
}

/// Parses levels such as `debug` or `info,orders=debug`. A word without `=` must be a level: if it were a target, a
/// misspelled level would enable everything.
fn parse(list: &str) -> Option<Targets> {
    // `LevelFilter` parses an empty text as `error`.
    let is_level = |text: &str| !text.is_empty() && text.parse::<LevelFilter>().is_ok();
    let is_sound = |entry: &&str| match entry.split_once('=') {
        Some((target, level)) => !target.is_empty() && is_level(level),
        None => is_level(entry),
    };
    let entries: Vec<_> = list.split(',').map(str::trim).collect();
    if entries.iter().all(is_sound) {
        entries.join(",").parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn levels(value: &str) -> (Targets, Vec<String>) {
        let lookup = |_: &str| Some(value.to_owned());
        let mut variables = Variables::new(&lookup);
        let code = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target("orders", LevelFilter::DEBUG);
        let levels = read(&mut variables, code);
        (levels, variables.into_warnings())
    }

    #[test]
    fn environment_overrides_single_levels_of_code() {
        for (value, of_orders, of_others) in [
            ("", Level::DEBUG, Level::INFO),
            ("warn", Level::DEBUG, Level::WARN),
            ("DEBUG", Level::DEBUG, Level::DEBUG),
            ("orders=error", Level::ERROR, Level::INFO),
            ("trace , orders=info", Level::INFO, Level::TRACE),
            ("orders::stock=trace", Level::DEBUG, Level::INFO),
        ] {
            let (levels, warnings) = levels(value);
            assert_eq!(warnings, [""; 0], "{value}");
            for (target, least) in [("orders", of_orders), ("others", of_others)] {
                for level in [
                    Level::ERROR,
                    Level::WARN,
                    Level::INFO,
                    Level::DEBUG,
                    Level::TRACE,
                ] {
                    let expected = level <= least;
                    assert_eq!(
                        levels.would_enable(target, &level),
                        expected,
                        "{value}: {target} {level}"
                    );
                }
            }
        }
    }

    #[test]
    fn invalid_span_level_is_ignored_with_warning() {
        for value in [
            "verbose",
            "orders",
            "info,orders=loud",
            "=info",
            "orders=",
            "info,,debug",
        ] {
            let (levels, warnings) = levels(value);
            assert_eq!(
                warnings,
                [format!(
                    "OTEL_RUST_SPAN_LEVEL is `{value}`, which cannot be used: expected {ALLOWED}; using `orders=debug,info` instead"
                )]
            );
            assert!(levels.would_enable("others", &Level::INFO));
            assert!(!levels.would_enable("others", &Level::DEBUG));
        }
    }
}
