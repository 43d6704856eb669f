//! Parses the parameters of a trace search in the format of Jaeger 2: `query.service_name` and `query.serviceName` are
//! equivalent.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use url::form_urlencoded;

use crate::attributes;
use crate::duration;
use crate::store::{StoredSpan, Trace};
use crate::waterfall::Waterfall;

/// Default number of returned traces.
const DEFAULT_TRACES: usize = 100;

/// The parameters of a URL by their `snake_case` names. If a name is repeated, the last value counts.
pub(super) struct Parameters(HashMap<String, String>);

impl Parameters {
    pub(super) fn read(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs = pairs.map(|(name, value)| (snake_case(&name), value.into_owned()));
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The error for a missing or invalid parameter.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mistake {
    #[error("the parameter `{0}` is missing")]
    Missing(&'static str),
    #[error("the parameter `{0}` must be {1}, and is `{2}`")]
    Malformed(&'static str, &'static str, String),
}

/// The conditions of a trace search.
#[derive(Debug)]
pub(super) struct Query {
    service: Option<String>,
    operation: Option<String>,
    begun: (u64, u64),
    duration: (u64, u64),
    attributes: HashMap<String, String>,
    pub(super) most: usize,
}

impl Query {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Mistake> {
        let time = |name| match parameters.get(name) {
            Some(text) => time(text).ok_or_else(|| malformed(name, "a time as in RFC 3339", text)),
            None => Err(Mistake::Missing(name)),
        };
        let between = |name, default| match parameters.get(name) {
            Some(text) => {
                duration::read(text).ok_or_else(|| malformed(name, "a duration like 250ms", text))
            }
            None => Ok(default),
        };
        let most = |name| match parameters.get(name) {
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| malformed(name, "a number", text)),
            None => Ok(None),
        };
        let name = "query.attributes";
        let attributes = match parameters.get(name) {
            Some(text) => serde_json::from_str(text)
                .map_err(|_| malformed(name, "a JSON object of texts", text))?,
            None => HashMap::new(),
        };
        Ok(Self {
            service: parameters.get("query.service_name").map(str::to_owned),
            operation: parameters.get("query.operation_name").map(str::to_owned),
            begun: (time("query.start_time_min")?, time("query.start_time_max")?),
            duration: (
                between("query.duration_min", 0)?,
                between("query.duration_max", u64::MAX)?,
            ),
            attributes,
            most: match most("query.search_depth")? {
                Some(most) => most,
                None => most("query.num_traces")?.unwrap_or(DEFAULT_TRACES),
            },
        })
    }

    /// Returns whether the trace matches the search. Service, operation and attributes must match the same span.
    pub(super) fn matches(&self, trace: &Trace) -> bool {
        let (begun, duration) = (trace.start(), Waterfall::of(trace).duration);
        (self.begun.0..=self.begun.1).contains(&begun)
            && (self.duration.0..=self.duration.1).contains(&duration)
            && trace.spans.iter().any(|span| self.matches_span(span))
    }

    fn matches_span(&self, span: &StoredSpan) -> bool {
        let mut attributes = self.attributes.iter();
        let failed = span
            .span
            .status
            .as_ref()
            .is_some_and(|status| status.code == 2);
        self.service
            .as_ref()
            .is_none_or(|name| *name == span.source.service)
            && self
                .operation
                .as_ref()
                .is_none_or(|name| *name == span.span.name)
            && attributes.all(|(key, value)| {
                attributes::find(&span.span.attributes, key).is_some_and(|own| own == *value)
                    || (key == "error" && *value == failed.to_string())
            })
    }
}

fn malformed(name: &'static str, expected: &'static str, text: &str) -> Mistake {
    Mistake::Malformed(name, expected, text.to_owned())
}

/// Converts a time to nanoseconds since 1970. Earlier times become 0.
fn time(text: &str) -> Option<u64> {
    let time: SystemTime = humantime::parse_rfc3339(text).ok()?;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).ok()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}
