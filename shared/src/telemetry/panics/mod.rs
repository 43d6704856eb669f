//! The panic hook: logs a panic and records it on the current span.
//!
//! The panicking thread may hold the lock of its span or of standard output, so a hook that waits for the lock would
//! deadlock. A panic in the hook would end the process. The hook therefore only collects a [`Report`]; a separate
//! thread logs the report and records it on the span, and the hook waits for that thread with a timeout.

mod report;
mod stack;

#[cfg(feature = "serve")]
use std::backtrace::Backtrace;
use std::{
    cell::Cell,
    io::Write as _,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook as set, take_hook},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use self::report::Report;
#[cfg(feature = "logs")]
use super::log;
use crate::internal::thread_context;

/// How long a panicking thread waits until its panic is logged and recorded. The wait only times out if the panicking
/// thread holds a lock that the reporting thread needs; the reporting thread then continues once the lock is released.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the start of a service waits until the symbols for backtraces are loaded. If there is too much debug
/// information, loading continues while the service runs.
#[cfg(feature = "serve")]
const SYMBOLS_TIMEOUT: Duration = Duration::from_secs(2);

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The kind of work on a thread, which decides where its panics are reported.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Application code, whose panics are reported to the log and the current span.
    Application,
    /// Telemetry code, whose panics are reported to the log only, because the current span may be locked.
    Telemetry,
    /// Code that reports a panic, whose own panics are reported to standard error, because the log or the
    /// span has panicked.
    Hook,
}

thread_local! {
    static WORK: Cell<Work> = const { Cell::new(Work::Application) };
}

/// Sets a hook that logs a panic as one line and records it on the current span, instead of printing Rust's
/// default text.
///
/// A custom hook that was set before, such as that of a crash reporter, is called afterwards. Rust's default hook is
/// not called, because it would print the panic again.
pub(super) fn set_hook() {
    // `take_hook` also restores Rust's default hook, so the second call returns the default hook.
    let (before, default) = (take_hook(), take_hook());
    set_hook_before(if is_same(&before, &default) {
        None
    } else {
        Some(before)
    });
}

/// Loads the symbols of the executable before a panic needs them. Blocks until the symbols are loaded, for at most
/// [`SYMBOLS_TIMEOUT`].
///
/// The first backtrace of a process reads and sorts all symbols, which takes from 0.1 s to 2 s, depending on the debug
/// information and the load. `std` keeps the symbols in memory, so later backtraces take a millisecond. Without loading
/// the symbols early, the first request that panics would be delayed, perhaps beyond the timeout of its caller. The
/// symbols take the same memory as after a first panic: little in a release build, 30 MB more if the debug symbols of
/// the C library are installed.
#[cfg(feature = "serve")]
pub(crate) fn load_symbols() {
    let (loaded, done) = mpsc::channel();
    #[expect(
        clippy::disallowed_methods,
        reason = "it has no trace, and the process may end without it"
    )]
    let loading = thread::Builder::new()
        .name("load-symbols".to_owned())
        .spawn(move || {
            drop(Backtrace::force_capture().to_string());
            // The receiver is gone if the start of the service has stopped waiting.
            let _ = loaded.send(());
        });
    // If no thread can be started, the first panic loads the symbols.
    if loading.is_ok() {
        let _ = done.recv_timeout(SYMBOLS_TIMEOUT);
    }
}

/// Like [`set_hook`], but also calls Rust's default hook afterwards, so that panics of tests are printed.
#[cfg(feature = "testing")]
pub(super) fn set_hook_before_current() {
    set_hook_before(Some(take_hook()));
}

fn set_hook_before(next: Option<Hook>) {
    let stack_wanted = report::stack_wanted();
    set(Box::new(move |panic| {
        if thread_context::is_probing() {
            return;
        }
        report(panic, stack_wanted);
        if let Some(next) = &next {
            next(panic);
        }
    }));
}

/// Returns whether both hooks are the same zero-sized hook, with the same address and the same vtable. If the compiler
/// ever duplicates the vtable, Rust's default text is printed in addition to the log line, and no hook is lost.
fn is_same(one: &Hook, other: &Hook) -> bool {
    std::ptr::eq::<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>(&**one, &**other)
}

/// Runs telemetry work on an application thread, such as a span processor, which the SDK calls while it holds the lock
/// of the ending span. If the work panics, the panic is logged and caught, and `None` is returned.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = WORK.replace(Work::Telemetry);
    let result = catch_unwind(AssertUnwindSafe(work));
    WORK.set(outer);
    result.ok()
}

fn report(panic: &PanicHookInfo<'_>, stack_wanted: bool) {
    let work = WORK.get();
    let report = Report::new(panic, stack_wanted);
    let line = report.line();
    if work == Work::Hook {
        return last_resort(&line);
    }
    let Ok(done) = report_on_thread(report, work) else {
        return last_resort(&line);
    };
    let deadline = Instant::now() + PATIENCE;
    let wait = || done.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    match wait() {
        Ok(Done::Logged) => drop(wait()),
        Err(_) => last_resort(&line),
    }
}

/// Progress of the thread that reports a panic. The thread drops the channel once the panic is also recorded on the
/// span.
enum Done {
    Logged,
}

fn report_on_thread(report: Report, work: Work) -> std::io::Result<Receiver<Done>> {
    let cx = thread_context::current();
    let (sender, done) = mpsc::channel();
    let report = move || {
        WORK.set(Work::Hook);
        let logged = catch_unwind(AssertUnwindSafe(|| {
            let _current = cx.clone().attach();
            report.log();
            // Without the cargo feature `logs`, there are no log lines to flush.
            #[cfg(feature = "logs")]
            return log::flush();
            #[cfg(not(feature = "logs"))]
            true
        }));
        if let Ok(true) = logged {
            // The receiver is gone if the panicking thread timed out.
            let _ = sender.send(Done::Logged);
        }
        if work == Work::Application {
            report.record(&cx);
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "it has the context of the panic, and the hook waits for it"
    )]
    thread::Builder::new()
        .name("panic".to_owned())
        .spawn(report)?;
    Ok(done)
}

/// Prints a panic to standard error, if the log is not available.
fn last_resort(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_in_contained_work_is_contained() {
        let fails = || contained::<()>(|| panic!("expected"));
        assert_eq!(contained(|| 7), Some(7));
        assert_eq!(fails(), None);
        assert_eq!(contained(fails), Some(None));
        assert!(WORK.get() == Work::Application);
    }
}
