//! The `baggage` header, by [W3C Baggage](https://www.w3.org/TR/baggage/) and its limits.

use std::collections::{BTreeSet, HashMap};

use opentelemetry::{
    Context, KeyValue,
    baggage::{Baggage, BaggageExt as _, BaggageMetadata},
    propagation::TextMapPropagator as _,
};
use shared::{propagation::BaggagePropagator, server::TraceLayer, testing::recorder};

use crate::support::wire::{Service, line, show};

/// Returns the members of a baggage list as a set, because their order has no meaning.
fn set(list: &str) -> BTreeSet<String> {
    let members = list.split(',').filter(|member| !member.is_empty());
    members.map(str::to_owned).collect()
}

/// Returns a list of two baggage members. The list has this many bytes, including the comma between the members.
fn two_members(bytes: usize) -> String {
    let value = "v".repeat(bytes - "a=1,b=".len());
    format!("a=1,b={value}")
}

#[rustfmt::skip]
fn rows() -> Vec<(&'static str, Vec<Vec<u8>>, String)> {
    let row = |claim, values: &[&str], sent: &str| {
        (claim, values.iter().map(|value| line("baggage", value)).collect(), sent.to_owned())
    };
    let members = |count: usize| -> String {
        let members: Vec<String> = (1..=count).map(|n| format!("key{n}=value")).collect();
        members.join(",")
    };
    // The key `a`, the equals sign and a value of 8190 characters are 8192 bytes, the maximum size of a list.
    let longest = format!("a={}", "v".repeat(8190));
    vec![
        row("no baggage, none is sent", &[], ""),
        row("a member goes on", &["tenant=acme"], "tenant=acme"),
        row("members go on", &["tenant=acme,tier=gold"], "tenant=acme,tier=gold"),
        row("headers are one list", &["tenant=acme", "tier=gold"], "tenant=acme,tier=gold"),
        row("the last of a key counts", &["tenant=acme,tenant=other"], "tenant=other"),
        row("white space around is ignored", &[" tenant\t=\tacme , tier = gold "], "tenant=acme,tier=gold"),
        row("a value may be empty", &["tenant="], "tenant="),
        row("a value may have a =", &["tenant=a=b"], "tenant=a=b"),
        row("a value is percent-encoded", &["user=Am%C3%A9lie%20Doe%2C%3B%22%5C%25"], "user=Am%C3%A9lie%20Doe%2C%3B%22%5C%25"),
        row("an escape in lower case is one", &["user=Am%c3%a9lie"], "user=Am%C3%A9lie"),
        row("an escape that is not needed is undone", &["user=%41mber"], "user=Amber"),
        row("an escape that is no UTF-8 becomes U+FFFD", &["user=%ff"], "user=%EF%BF%BD"),
        row("properties go on", &["tenant=acme;secure;ttl=60"], "tenant=acme;secure;ttl=60"),
        row("white space around properties is ignored", &["tenant=acme ; secure ; ttl=60"], "tenant=acme;secure;ttl=60"),
        row("keys keep their case", &["Tenant=acme"], "Tenant=acme"),
        row("a key is any token", &["!#$%&'*+-.^_`|~09azAZ=1"], "!#$%&'*+-.^_`|~09azAZ=1"),

        row("a member without = is skipped, the rest kept", &["tenant,tier=gold"], "tier=gold"),
        row("a member without a key is skipped", &["=acme,tier=gold"], "tier=gold"),
        row("a member with a space in its key is skipped", &["the tenant=acme,tier=gold"], "tier=gold"),
        row("a member with another character in its key is skipped", &["ten@nt=acme,tier=gold"], "tier=gold"),
        row("a member with a space in its value is skipped", &["tenant=acme corp,tier=gold"], "tier=gold"),
        row("a member with a quote in its value is skipped", &["tenant=\"acme\",tier=gold"], "tier=gold"),
        row("a member with a backslash in its value is skipped", &["tenant=a\\b,tier=gold"], "tier=gold"),
        row("a member that is not ASCII is skipped", &["tenant=caf\u{e9},tier=gold"], "tier=gold"),
        row("a member with a malformed property is skipped", &["tenant=acme;the ttl=60,tier=gold"], "tier=gold"),
        row("an empty member is skipped", &["tenant=acme,,tier=gold,"], "tenant=acme,tier=gold"),
        ("a member that is no text is skipped", vec![line("baggage", b"tenant=\xff,tier=gold")], "tier=gold".to_owned()),

        row("64 members are kept", &[&members(64)], &members(64)),
        row("of 65 the first 64 are kept", &[&members(65)], &members(64)),
        row("what is skipped does not count", &[&format!("{},{}", "bad,".repeat(64), members(64))], &members(64)),
        row("8192 bytes are kept", &[&longest], &longest),
        row("8192 bytes are kept, the comma counted", &[&two_members(8192)], &two_members(8192)),
        row("of 8193 bytes the members that fit are kept", &[&two_members(8193)], "a=1"),
    ]
}

#[tokio::test]
async fn every_rule_of_baggage_holds() {
    recorder();
    let service = Service::start(TraceLayer::new()).await;
    for (claim, lines, sent) in rows() {
        let (_, calls) = service.forward(&lines).await;
        for call in calls {
            let baggage = call.header("baggage").unwrap_or_default();
            let because = format!("{claim}: {}", show(&lines));
            assert_eq!(set(baggage), set(&sent), "{because}");
            assert!(baggage.len() <= 8192, "{because}");
        }
    }
}

#[tokio::test]
async fn baggage_is_not_written_to_spans() {
    recorder();
    let service = Service::start(TraceLayer::new()).await;
    let (answer, _) = service
        .forward(&[line("baggage", "card=4111111111111111")])
        .await;
    let trace_id = answer.sent("traceresponse").0;
    let trace = recorder().trace(&trace_id, 4).await;
    assert!(!format!("{trace:?}").contains("4111111111111111"));
}

#[test]
fn injected_list_never_exceeds_limit() {
    let baggage = Baggage::from_iter([
        (
            "long".into(),
            ("\u{e9}".repeat(4000).into(), BaggageMetadata::default()),
        ),
        ("tier".into(), ("gold".into(), BaggageMetadata::default())),
    ]);
    let mut sent = HashMap::new();
    BaggagePropagator::new().inject_context(&Context::new().with_baggage(baggage), &mut sent);
    assert_eq!(sent["baggage"], "tier=gold", "24000 bytes when encoded");
}

#[test]
fn extracted_list_limit_includes_commas() {
    for (bytes, members) in [(8192, 2), (8193, 1)] {
        let carrier = HashMap::from([("baggage".to_owned(), two_members(bytes))]);
        let cx = BaggagePropagator::new().extract_with_context(&Context::new(), &carrier);
        assert_eq!(cx.baggage().len(), members, "{bytes} bytes");
    }
}

#[test]
fn injected_list_limit_includes_commas() {
    for (bytes, sent) in [(8192, two_members(8192)), (8193, "a=1".to_owned())] {
        let value = "v".repeat(bytes - "a=1,b=".len());
        let entries = [KeyValue::new("a", "1"), KeyValue::new("b", value)];
        let mut carrier = HashMap::new();
        let cx = Context::new().with_baggage(entries);
        BaggagePropagator::new().inject_context(&cx, &mut carrier);
        assert_eq!(carrier["baggage"], sent, "{bytes} bytes");
    }
}

#[test]
fn oversized_list_keeps_first_keys() {
    let keys: Vec<String> = (0..60).map(|index| format!("key-{index:02}")).collect();
    // Percent-encoded, this value has three times as many bytes.
    let value = "\u{e9}".repeat(50);
    let sent = |keys: &mut dyn Iterator<Item = &String>| {
        let entries = keys.map(|key| KeyValue::new(key.clone(), value.clone()));
        let cx = Context::new().with_baggage(entries);
        let mut sent = HashMap::<String, String>::new();
        BaggagePropagator::new().inject_context(&cx, &mut sent);
        let members = sent["baggage"].split(',');
        let key = |member: &str| member.split_once('=').map(|(key, _)| key.to_owned());
        members.filter_map(key).collect::<Vec<_>>()
    };
    let kept = sent(&mut keys.iter());
    assert_eq!(kept, keys[..kept.len()]);
    assert_eq!(kept, sent(&mut keys.iter().rev()));
    assert!((20..30).contains(&kept.len()), "{kept:?}");
}
