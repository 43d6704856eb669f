//! The state of a trace page in its URL: opened and folded spans, and the search.

use std::collections::{HashMap, HashSet};

use url::form_urlencoded::Serializer;

use crate::attributes::{hex, text};
use crate::store::SpanId;
use crate::waterfall::Row;

/// Maximum number of opened and of folded spans, which limits the length of the URL.
const MAX_SPANS: usize = 50;

#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) open: Vec<SpanId>,
    pub(super) folded: Vec<SpanId>,
    pub(super) search: String,
    pub(super) embedded: bool,
    /// The only row to render, set by the script if a click changed only this row.
    pub(super) only: Option<SpanId>,
}

impl View {
    pub(super) const EMPTY: Self = Self {
        open: Vec::new(),
        folded: Vec::new(),
        search: String::new(),
        embedded: false,
        only: None,
    };

    pub(super) fn read(parameters: &HashMap<String, String>) -> Self {
        let of = |name: &str| parameters.get(name).map_or("", String::as_str);
        Self {
            open: span_ids(of("span")),
            folded: span_ids(of("fold")),
            search: of("q").trim().to_owned(),
            embedded: of("uiEmbed") == "v0",
            only: span_id(of("only")),
        }
    }

    /// Returns the link that opens or closes a span.
    pub(super) fn with_toggled(&self, id: SpanId) -> String {
        let is_open = self.open.contains(&id);
        let open = if is_open { Vec::new() } else { vec![id] };
        self.link(&open, &self.folded, id)
    }

    /// Returns the link that opens a span and scrolls to it.
    pub(super) fn at(&self, id: SpanId) -> String {
        self.link(&[id], &self.folded, id)
    }

    /// Returns the link that folds or unfolds a subtree.
    pub(super) fn with_folded(&self, id: SpanId) -> String {
        let mut folded = self.folded.clone();
        folded.retain(|other| *other != id);
        if folded.len() == self.folded.len() {
            folded.push(id);
        }
        self.link(&self.open, &folded, id)
    }

    /// Returns the hidden fields of the search form, which keep the rest of the state.
    pub(super) fn hidden(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.parameters(&self.open, &self.folded);
        fields.retain(|(name, _)| *name != "q");
        fields
    }

    pub(super) fn matches(&self, row: &Row) -> bool {
        let span = &row.span.span;
        let has = |text: &str| contains(text, &self.search);
        !self.search.is_empty()
            && (has(&span.name)
                || has(&row.span.source.service)
                || has(&hex(&row.span.id))
                || row.error().is_some_and(|error| has(&error))
                || span
                    .attributes
                    .iter()
                    .any(|a| has(&a.key) || has(&text(a.value.as_ref())))
                || span.events.iter().any(|event| {
                    has(&event.name)
                        || event
                            .attributes
                            .iter()
                            .any(|a| has(&text(a.value.as_ref())))
                }))
    }

    fn link(&self, open: &[SpanId], folded: &[SpanId], anchor: SpanId) -> String {
        let mut query = Serializer::for_suffix("?".to_owned(), 1);
        for (name, value) in self.parameters(open, folded) {
            query.append_pair(name, &value);
        }
        // Span ids are separated by commas, which need no escaping in a query.
        format!("{}#{}", query.finish().replace("%2C", ","), hex(&anchor))
    }

    fn parameters(&self, open: &[SpanId], folded: &[SpanId]) -> Vec<(&'static str, String)> {
        let embedded = if self.embedded { "v0" } else { "" };
        let mut parameters = vec![
            ("span", join(open)),
            ("fold", join(folded)),
            ("q", self.search.clone()),
            ("uiEmbed", embedded.to_owned()),
        ];
        parameters.retain(|(_, value)| !value.is_empty());
        parameters
    }
}

/// Returns whether a text contains another text, ignoring ASCII case.
pub(super) fn contains(text: &str, part: &str) -> bool {
    let part = part.as_bytes();
    let Some(first) = part.first() else {
        return true;
    };
    // Compares the first byte before the rest, which is faster. A search goes through all texts.
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    let mut places = text.as_bytes().windows(part.len());
    places.any(|place| (place[0] == lower || place[0] == upper) && place.eq_ignore_ascii_case(part))
}

fn span_ids(text: &str) -> Vec<SpanId> {
    let ids = text.split(',').filter_map(span_id);
    let mut seen = HashSet::new();
    ids.filter(|id| seen.insert(*id)).take(MAX_SPANS).collect()
}

fn span_id(text: &str) -> Option<SpanId> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let number = digits.then(|| u64::from_str_radix(text, 16).ok())??;
    Some(number.to_be_bytes())
}

fn join(ids: &[SpanId]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| hex(id)).collect();
    ids.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(parameters: &[(&str, &str)]) -> View {
        let own = parameters
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        View::read(&own.collect())
    }

    #[test]
    fn links_keep_the_rest_of_the_view() {
        let view = view(&[
            ("span", "0000000000000001,0000000000000002"),
            ("fold", "0000000000000003"),
            ("q", "a&b"),
            ("uiEmbed", "v0"),
        ]);
        let id = 4_u64.to_be_bytes();
        assert_eq!(
            view.with_toggled(id),
            "?span=0000000000000004&fold=0000000000000003&q=a%26b&uiEmbed=v0#0000000000000004"
        );
        assert_eq!(
            view.with_toggled(1_u64.to_be_bytes()),
            "?fold=0000000000000003&q=a%26b&uiEmbed=v0#0000000000000001"
        );
        assert_eq!(
            view.with_folded(id),
            "?span=0000000000000001,0000000000000002&fold=0000000000000003,0000000000000004&q=a%26b&uiEmbed=v0\
             #0000000000000004"
        );
        assert_eq!(
            view.with_folded(3_u64.to_be_bytes()),
            "?span=0000000000000001,0000000000000002&q=a%26b&uiEmbed=v0#0000000000000003"
        );
    }

    #[test]
    fn what_is_no_span_id_is_left_out() {
        let view = view(&[(
            "span",
            "zebra,,00000000000000ff,'\"<script>,+000000000000001",
        )]);
        assert_eq!(view.open, [255_u64.to_be_bytes()]);
    }

    #[test]
    fn texts_are_found_in_any_case() {
        assert!(contains("SELECT stock", "select"));
        assert!(contains("anything", ""));
        assert!(!contains("", "x") && !contains("abc", "abcd"));
    }
}
