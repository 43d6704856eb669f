//! Parses a Rust stack trace and keeps the frames of interest: from the panicking function on, without the frames of
//! the panic machinery and the runtime.

/// A stack trace in three parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Backtrace<'a> {
    /// Text before the frames, which contains the location of the panic.
    pub(crate) head: &'a str,
    /// Frames of interest, the panicking frame first.
    pub(crate) own: String,
    /// Number of omitted frames.
    pub(crate) left_out: usize,
}

/// Prefixes of functions that belong to the panic machinery.
const PANICKING: [&str; 4] = [
    "core::panicking::",
    "std::panicking::",
    "rust_begin_unwind",
    "__rustc::rust_begin_unwind",
];
/// Prefixes of functions that catch panics. They run outside of the panicking code, so they do not belong to the panic
/// machinery.
const CATCHING: [&str; 2] = ["std::panicking::catch_unwind", "std::panicking::try"];
/// Prefixes of library functions, whose frames are omitted. Frames between them belong to the application.
const RUNTIME: [&str; 16] = [
    "std::",
    "core::",
    "alloc::",
    "tokio::",
    "hyper::",
    "hyper_util::",
    "axum::",
    "tower::",
    "tower_http::",
    "tracing::",
    "futures_util::",
    "http_body_util::",
    "__rust",
    "clone3",
    "start_thread",
    "_start",
];

impl<'a> Backtrace<'a> {
    /// Parses a stack trace in the format of `std::backtrace`. Returns `None` for any other text.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let first = text.lines().find(|line| frame_name(line).is_some())?;
        let head = text[..offset(text, first)].trim_end();
        let frames = frames(&text[offset(text, first)..]);
        let panicked = frames
            .iter()
            .rposition(|frame| is_panicking(own_name(frame)))
            .map_or(0, |at| at + 1);
        let own: Vec<_> = frames[panicked..]
            .iter()
            .filter(|frame| !is_runtime(own_name(frame)) && !is_elsewhere(frame))
            .collect();
        // If the stack has only library frames, no frame is omitted.
        let own = if own.is_empty() {
            frames.iter().collect()
        } else {
            own
        };
        Some(Self {
            head,
            left_out: frames.len() - own.len(),
            own: own
                .into_iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("\n"),
        })
    }
}

fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// Splits a stack trace into frames, each with the lines that belong to it.
fn frames(text: &str) -> Vec<String> {
    let mut frames: Vec<String> = Vec::new();
    for line in text.lines() {
        match frames.last_mut() {
            Some(frame) if frame_name(line).is_none() => {
                frame.push('\n');
                frame.push_str(line);
            }
            _ => frames.push(line.to_owned()),
        }
    }
    frames
}

/// Returns the function name in the first line of a frame, such as `  12: name`.
fn frame_name(line: &str) -> Option<&str> {
    let (number, name) = line.split_once(": ")?;
    number.trim_start().parse::<u32>().ok()?;
    Some(name)
}

fn own_name(frame: &str) -> &str {
    let line = frame.lines().next().unwrap_or_default();
    frame_name(line).unwrap_or_default()
}

fn is_panicking(name: &str) -> bool {
    let begins = |with: &&str| name.starts_with(*with);
    PANICKING.iter().any(begins) && !CATCHING.iter().any(begins)
}

/// Returns whether a library defines the function. `<A as B>::c` belongs to the crate of `A`, or of `B` if `A` is a
/// generic type.
fn is_runtime(name: &str) -> bool {
    let name = name
        .trim_start_matches(['<', '&'])
        .trim_start_matches("mut ");
    let name = match name.split_once(" as ") {
        Some((any, of_trait)) if !any.contains("::") => of_trait,
        _ => name,
    };
    RUNTIME.iter().any(|runtime| name.starts_with(runtime))
}

/// Returns whether the source path of the frame is in a dependency or the standard library, whatever the function is
/// called.
fn is_elsewhere(frame: &str) -> bool {
    let places = ["/.cargo/registry/", "/rustc/"];
    let mut lines = frame.lines().skip(1);
    lines.any(|line| places.iter().any(|place| line.contains(place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = "panicked at inventory/src/stock.rs:63:13
   0: std::backtrace_rs::backtrace::libunwind::trace
             at /rustc/1/library/std/src/backtrace.rs:117:9
   1: shared::telemetry::panics::set_hook::{{closure}}
   2: std::panicking::panic_with_hook
   3: __rustc::rust_begin_unwind
   4: core::panicking::panic_fmt
   5: inventory::stock::Row::checked
             at ./inventory/src/stock.rs:63:13
   6: inventory::routes::check::{{closure}}
   7: <axum::handler::Layered<L,H,T,S> as core::future::Future>::poll
   8: tokio::runtime::task::raw::poll
   9: __rust_begin_short_backtrace
  10: <F as axum::handler::Handler<(M,T1,T2),S>>::call::{{closure}}
  11: mine::serve::{{closure}}
             at /home/me/.cargo/registry/src/index-1/tokio-1.54.1/src/macros/select.rs:710:49
  12: std::panicking::catch_unwind
  13: <mine::Future<F> as core::future::future::Future>::poll
";

    #[test]
    fn stack_starts_at_panicking_frame_without_runtime() {
        let stack = Backtrace::parse(STACK).unwrap();
        assert_eq!(stack.head, "panicked at inventory/src/stock.rs:63:13");
        assert_eq!(
            stack.own,
            "   5: inventory::stock::Row::checked\n             at ./inventory/src/stock.rs:63:13\n   \
             6: inventory::routes::check::{{closure}}\n  \
             13: <mine::Future<F> as core::future::future::Future>::poll"
        );
        assert_eq!(stack.left_out, 11);
    }

    #[test]
    fn stack_of_this_very_process_begins_here() {
        let own = std::backtrace::Backtrace::force_capture().to_string();
        let stack = Backtrace::parse(&own).unwrap();
        let first = stack.own.lines().next().unwrap();
        assert!(
            first.contains("stack_of_this_very_process"),
            "{first} of\n{own}"
        );
        assert!(stack.left_out > 0, "{own}");
    }

    #[test]
    fn other_texts_are_no_backtrace() {
        for text in [
            "",
            "a\nb",
            "Traceback (most recent call last):\n  File \"x.py\", line 1",
        ] {
            assert_eq!(Backtrace::parse(text), None, "{text}");
        }
    }
}
