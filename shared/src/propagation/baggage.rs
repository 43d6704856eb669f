//! The `baggage` header: [W3C Baggage](https://www.w3.org/TR/baggage/).

use opentelemetry::{
    Context,
    baggage::{Baggage, BaggageExt},
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::trace_state::trim;

pub(crate) const BAGGAGE: &str = "baggage";
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;

/// Characters that must be percent-encoded in a baggage value (section 3.3.1.3), and the escape character `%` itself.
const NOT_A_VALUE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b',')
    .add(b';')
    .add(b'\\')
    .add(b'%');

/// Reads and writes the `baggage` header. Installed by default; construct it only to assemble a propagator by hand.
///
/// At most 64 members and 8192 bytes are read or written. If a list is longer, its first members are kept. If several
/// members have the same key, the last one is kept. Malformed members are skipped. Members are sent in the order of
/// their keys. Baggage is sent in clear text to the called services, which pass it on, so never put a secret in it. The
/// clients of this crate send baggage to private networks, or to the hosts listed with
/// [`baggage_to`](crate::client::TraceMiddleware::baggage_to). Baggage is never recorded on spans or in logs
/// automatically.
#[derive(Debug, Clone, Copy, Default)]
pub struct BaggagePropagator {
    _private: (),
}

impl BaggagePropagator {
    /// Creates the propagator.
    pub fn new() -> Self {
        Self::default()
    }
}

impl TextMapPropagator for BaggagePropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let mut header = String::new();
        let mut entries: Vec<_> = cx.baggage().iter().collect();
        // The baggage map has no defined order. Because the entries are sorted, the same members are kept every time if
        // not all of them fit.
        entries.sort_unstable_by_key(|(key, _)| key.as_str());
        for (key, (value, metadata)) in entries.into_iter().take(MAX_MEMBERS) {
            let mut member = format!("{key}={}", utf8_percent_encode(value.as_str(), NOT_A_VALUE));
            for property in properties(metadata.as_str()).filter(|property| is_property(property)) {
                member.push(';');
                member.push_str(property);
            }
            let separator = usize::from(!header.is_empty());
            if is_token(key.as_str()) && header.len() + separator + member.len() <= MAX_BYTES {
                if separator == 1 {
                    header.push(',');
                }
                header.push_str(&member);
            }
        }
        if !header.is_empty() {
            injector.set(BAGGAGE, header);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let mut baggage = Baggage::new();
        let headers = extractor.get_all(BAGGAGE).unwrap_or_default();
        let members = headers
            .iter()
            .flat_map(|header| header.split(','))
            .map(trim);
        let well_formed = members.filter_map(|member| Some((member.len(), parse(member)?)));
        let mut room = MAX_BYTES + 1;
        for (bytes, (key, value, metadata)) in well_formed.take(MAX_MEMBERS) {
            let Some(left) = room.checked_sub(bytes + 1) else {
                break;
            };
            room = left;
            baggage.insert_with_metadata(key.to_owned(), value, metadata);
        }
        if baggage.is_empty() {
            cx.clone()
        } else {
            cx.with_baggage(baggage)
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: std::sync::LazyLock<[String; 1]> =
            std::sync::LazyLock::new(|| [BAGGAGE.to_owned()]);
        FieldIter::new(&*FIELDS)
    }
}

/// Returns the key, decoded value and properties of a well-formed baggage member. Escapes that are not UTF-8 become
/// U+FFFD, as the specification requires.
fn parse(member: &str) -> Option<(&str, String, String)> {
    let (pair, metadata) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = pair.split_once('=')?;
    let (key, value) = (trim(key), trim(value));
    let well_formed = is_token(key)
        && is_value(value)
        && (metadata.is_empty() || properties(metadata).all(is_property));
    well_formed.then(|| {
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        (
            key,
            value,
            properties(metadata).collect::<Vec<_>>().join(";"),
        )
    })
}

fn properties(metadata: &str) -> impl Iterator<Item = &str> {
    metadata
        .split(';')
        .map(trim)
        .filter(|property| !property.is_empty())
}

fn is_property(property: &str) -> bool {
    match property.split_once('=') {
        Some((key, value)) => is_token(trim(key)) && is_value(trim(value)),
        None => is_token(property),
    }
}

/// Returns whether the text is a token by [RFC 9110, section
/// 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_value(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\'))
}
