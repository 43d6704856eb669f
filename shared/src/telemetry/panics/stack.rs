//! [`from_panic`]: removes the frames of the panic machinery from a stack.

/// Returns the part of a backtrace that starts at the panicking frame. Returns the whole backtrace if that
/// frame is not recognized, because the text of backtraces may change with the compiler.
pub(super) fn from_panic(stack: &str) -> &str {
    let mut in_machinery = false;
    let mut start = 0;
    for line in stack.split_inclusive('\n') {
        match function(line) {
            Some(name) if ends_hook(name) => in_machinery = true,
            Some(name) if in_machinery && !is_machinery(name) => return &stack[start..],
            _ => {}
        }
        start += line.len();
    }
    stack
}

/// Returns the function name in a line of a backtrace such as `  12: core::panicking::panic_fmt`. Returns
/// `None` for the line after it, which contains the location.
fn function(line: &str) -> Option<&str> {
    let (number, name) = line.trim().split_once(": ")?;
    number.parse::<usize>().is_ok().then_some(name)
}

/// Returns whether the function is the last frame of the panic hook in a backtrace.
fn ends_hook(name: &str) -> bool {
    ["rust_end_short_backtrace", "rust_begin_unwind"]
        .iter()
        .any(|end| name.contains(end))
}

/// Returns whether the frame of the function is between the panic hook and the panicking function.
fn is_machinery(name: &str) -> bool {
    ends_hook(name) || name.starts_with("core::panicking::") || name.starts_with("std::panicking::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_hook_and_panic_are_removed() {
        let stack = "   0: shared::telemetry::panics::report\n             at ./x.rs:1:2\n   1: std::panicking::panic_with_hook\n   \
                     2: std::sys::backtrace::__rust_end_short_backtrace\n   3: __rustc::rust_begin_unwind\n   \
                     4: core::panicking::panic_fmt\n             at /rustc/core.rs:3:4\n   5: app::handler\n             \
                     at ./app.rs:5:6\n   6: std::panicking::catch_unwind\n";
        assert_eq!(
            from_panic(stack),
            "   5: app::handler\n             at ./app.rs:5:6\n   6: std::panicking::catch_unwind\n"
        );
        let any = "   0: hook\n   1: std::sys::backtrace::__rust_end_short_backtrace\n   2: std::panicking::begin_panic\n   3: app\n";
        assert_eq!(from_panic(any), "   3: app\n");
    }

    #[test]
    fn unparsable_stack_is_kept() {
        for stack in [
            "",
            "<unknown>",
            "   0: app\n   1: main\n",
            "   0: rust_begin_unwind\n",
        ] {
            assert_eq!(from_panic(stack), stack);
        }
    }
}
