//! The adapters for headers and maps, used directly as another crate's propagator or carrier uses them.

use std::collections::HashMap;

use http::{HeaderMap, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};
use shared::{
    propagation::{HeaderExtractor, HeaderInjector, InjectOnly, MapExtractor, inject},
    testing::recorder,
};

/// A carrier of another crate, which is not a map.
#[derive(Default)]
struct Message {
    lines: Vec<(String, String)>,
    room: usize,
}

impl Injector for Message {
    fn set(&mut self, key: &str, value: String) {
        self.lines.push((key.to_owned(), value));
    }

    fn reserve(&mut self, additional: usize) {
        self.room += additional;
    }
}

#[test]
fn extractor_lists_every_key() {
    let (mut headers, mut message) = (HeaderMap::new(), HashMap::new());
    for key in ["b3", "uber-trace-id"] {
        headers.insert(key, HeaderValue::from_static("1"));
        message.insert(key.to_owned(), "1".to_owned());
    }
    let extractors: [&dyn Extractor; 2] = [&HeaderExtractor(&headers), &MapExtractor(&message)];
    for extractor in extractors {
        let mut keys = extractor.keys();
        keys.sort_unstable();
        assert_eq!(keys, ["b3", "uber-trace-id"]);
    }
}

#[test]
fn single_value_is_first_by_spelling() {
    let mut message = HashMap::from([("B3".to_owned(), "0".to_owned())]);
    assert_eq!(MapExtractor(&message).get("b3"), Some("0"));
    message.insert("b3".to_owned(), "1".to_owned());
    assert_eq!(MapExtractor(&message).get("b3"), Some("0"));
    assert_eq!(MapExtractor(&message).get("uber-trace-id"), None);
}

#[tokio::test]
async fn foreign_injector_carries_trace() {
    let mut message = Message::default();
    let sending = async { inject(&mut InjectOnly(&mut message)) };
    let (trace_id, ()) = recorder().in_trace("send", sending).await;
    let [(key, value)] = &message.lines[..] else {
        panic!("one line: {:?}", message.lines);
    };
    assert_eq!((key.as_str(), &value[3..35]), ("traceparent", &*trace_id));
}

#[test]
fn carrier_reserves_requested_capacity() {
    let (mut message, mut headers) = (Message::default(), HeaderMap::new());
    InjectOnly(&mut message).reserve(100);
    assert_eq!(message.room, 100);
    HeaderInjector(&mut headers).reserve(100);
    assert!(headers.capacity() >= 100, "{}", headers.capacity());
}

#[test]
fn wrapped_carrier_debug_hides_content() {
    let mut message = HashMap::from([("baggage".to_owned(), "tenant=acme".to_owned())]);
    assert_eq!(format!("{:?}", InjectOnly(&mut message)), "InjectOnly(..)");
}

#[test]
#[expect(deprecated, reason = "the former name stays for one release")]
fn former_name_constructs_wrapper() {
    use shared::propagation::Fresh;

    fn reserve(mut wrapped: Fresh<'_>) {
        wrapped.reserve(100);
    }

    let mut message = Message::default();
    reserve(Fresh(&mut message));
    assert_eq!(message.room, 100);
}
