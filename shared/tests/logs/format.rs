//! Log lines with every kind of field, compared byte by byte, because log parsers depend on the format.

use std::{fmt, io};

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};

use crate::child;

/// A value that writes a log line while it is formatted.
struct Chatty;

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!(within = true, "meanwhile");
        f.write_str("chatty")
    }
}

#[derive(Debug)]
#[expect(dead_code, reason = "only its `Debug` output is used")]
struct Item<'a> {
    name: &'a str,
    count: Option<u8>,
}

pub(crate) fn log_lines() {
    numbers();
    texts();
    keys();
    let remote = SpanContext::new(
        TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        SpanId::from(0x00f0_67aa_0ba9_02b7),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let _current = Context::current().with_remote_span_context(remote).attach();
    tracing::info!(
        method = "GET",
        route = Some("/check/{item_id}"),
        status = 200_i64,
        duration_ms = 1.25,
        error.r#type = None::<&str>,
        "request served"
    );
    tracing::warn!(a = ?Chatty, b = 1, "one at a time");
    tracing::error!(target: "opentelemetry", "said while the context changes");
}

fn numbers() {
    tracing::info!(
        a = true,
        b = false,
        c = -1_i8,
        d = u64::MAX,
        e = i64::MIN,
        f = i128::MIN,
        g = u128::MAX,
        h = usize::MAX,
        i = std::num::NonZeroU8::MIN,
        j = std::num::Wrapping(7),
        "whole"
    );
    tracing::info!(
        a = 0.0,
        b = -0.0,
        c = 1.0,
        d = 0.1,
        e = 1e15,
        f = 1e16,
        g = 123_456_789_012_345_680.0,
        h = 1e21,
        i = 1e-5,
        j = 1e-7,
        k = f64::MAX,
        l = f64::MIN_POSITIVE,
        m = 0.1_f32,
        n = f64::NAN,
        o = f64::INFINITY,
        p = f64::NEG_INFINITY,
        "floating"
    );
}

fn texts() {
    let error = io::Error::other("the \"disk\" is full");
    let source: &(dyn std::error::Error + 'static) = &error;
    let item = Item {
        name: "a \"tin\"\n",
        count: Some(2),
    };
    tracing::debug!(
        bytes = [0_u8, 0x7f, 0xff].as_slice(),
        none_at_all = [0_u8; 0].as_slice(),
        debug = ?item,
        pretty = format_args!("{item:#?}"),
        display = %error,
        error = source,
        text = "\"quoted\" 'so' \\ / \u{8}\u{c}\n\r\t\0\x1b\x1f\x7f",
        owned = String::from("of its own"),
        boxed = Box::new(7),
        empty = "",
        some = Some("there"),
        none = None::<&str>,
        nothing = tracing::field::Empty,
        "texts"
    );
    tracing::trace!(
        unicode = "ü 漢 🦀 \u{301}\u{feff}",
        commands = "\u{80}\u{9b}\u{85}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}",
        beside = "\u{a0}\u{200d}\u{2027}\u{202f}\u{2065}\u{206a}",
        "unicode ü\u{202e}"
    );
    tracing::info!("");
}

fn keys() {
    const KEY: &str = "constant";
    tracing::info!(
        timestamp = 1,
        level = 2,
        service = 3,
        span_id = 4,
        target = 5,
        trace_id = 6,
        event.level = 7,
        fields = 8,
        "reserved"
    );
    tracing::info!(z = 1, b = 2, "unsorted",);
    tracing::info!(
        twice = 1,
        other = 0,
        twice = "2",
        message = "first",
        "again"
    );
    tracing::info!(exception.r#type = "dotted", r#type = "raw", r#fn = ?"raw", a.b.c = 1, aB = 2, a_b = 3);
    tracing::info!(
        "a \"key\"" = 1,
        "\n" = 2,
        "\u{202e}" = 3,
        "ü" = 4,
        "" = 5,
        "literal keys"
    );
    tracing::info!(log.target = "elsewhere", log.line = 7, log.file = ?"x.rs", "from elsewhere");
    tracing::info!(only = "fields");
    tracing::info!(message = 7);
    tracing::event!(name: "named", target: "a \"target\"\u{7f}", tracing::Level::INFO, "elsewhere");
    tracing::info!({ KEY } = 1, "by a constant");
}

/// Checks the timestamp of a line and replaces it.
fn without_time(line: &str) -> String {
    let before = line.split_once("\"timestamp\":\"");
    let start = before.map_or(0, |(before, _)| before.len() + "\"timestamp\":\"".len());
    let end = start + "2026-01-01T00:00:00.000000Z".len();
    humantime::parse_rfc3339(&line[start..end]).unwrap();
    format!("{}TIME{}", &line[..start], &line[end..])
}

#[track_caller]
fn assert_lines(format: &str, expected: &str) {
    let lines = child::lines("every_kind_of_field", format);
    let lines: Vec<_> = lines.iter().map(|line| without_time(line)).collect();
    for (line, expected) in lines.iter().zip(expected.lines()) {
        assert_eq!(line, expected);
    }
    assert_eq!(lines.len(), expected.lines().count());
}

#[test]
fn json_line_has_ordered_unique_keys() {
    assert_lines("json", include_str!("format/json.txt"));
}

#[test]
fn pretty_line_keeps_field_order() {
    assert_lines("pretty", include_str!("format/pretty.txt"));
}
