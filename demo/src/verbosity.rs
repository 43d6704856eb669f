//! Decides which log lines are shown: those that `RUST_LOG` selects, without those that the services write only for the
//! demo.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use viewer::LogLine;

/// Directives added to the services' log filter, since the demo reads addresses and finished requests from the logs.
pub(crate) const READ: &str = "shared=info";

/// The filter in `RUST_LOG`, applied to the lines that the demo shows.
#[derive(Clone, Debug)]
pub struct Verbosity(Option<Targets>);

impl Verbosity {
    /// Reads the environment variable `RUST_LOG`.
    pub fn from_env() -> Self {
        Self::of(std::env::var("RUST_LOG").ok().as_deref())
    }

    fn of(filter: Option<&str>) -> Self {
        // A filter with directives for spans works only in the services, so it hides no lines here.
        let plain = filter.filter(|filter| !filter.trim().is_empty() && !filter.contains('['));
        Self(plain.and_then(|filter| filter.parse().ok()))
    }

    /// Returns whether `RUST_LOG` selects the line. Lines that the services write only for the demo are not selected.
    pub fn shows(&self, line: &LogLine) -> bool {
        let target = line.text("target").unwrap_or_default();
        let is_read = line.text("level") == Some("INFO") && target.starts_with("shared");
        match &self.0 {
            Some(targets) if is_read => targets.would_enable(target, &Level::INFO),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(filter: &str, level: &str, target: &str) -> bool {
        let line = format!(r#"{{"level":"{level}","target":"{target}"}}"#);
        let line = LogLine::parse("checkout", line);
        Verbosity::of(Some(filter)).shows(&line)
    }

    #[test]
    fn internal_line_is_hidden() {
        for filter in [
            "error",
            "warn",
            "off",
            "checkout=debug",
            "error,shared=warn",
        ] {
            assert!(!shows(filter, "INFO", "shared::serve"), "{filter}");
        }
        for filter in [
            "",
            "info",
            "debug",
            "error,shared=info",
            "shared::serve=info",
        ] {
            assert!(shows(filter, "INFO", "shared::serve"), "{filter}");
        }
    }

    #[test]
    fn line_of_service_filter_is_shown() {
        assert!(shows("error", "ERROR", "shared::telemetry::panics"));
        assert!(shows("error", "WARN", "shared::telemetry"));
        assert!(shows("error,checkout=info", "INFO", "checkout::order"));
        assert!(shows("[span]=info", "INFO", "shared::serve"));
    }
}
