//! The one door that panics go through: the hook runs where the panic is, while its span is still current.
//!
//! Whatever panicked may hold the lock of its span, or of standard output, and a hook that waited for it would wait for
//! itself. A hook that panics ends the process. So the hook only notes what happened (`report`); a thread of its own says it
//! and records it, and the hook waits for that, but not without end.

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
use super::log;
use crate::thread_context;

/// How long a panicking thread waits until its panic is logged and on its span. That is done at once, unless the thread
/// holds a lock that it needs: then the thread goes on, and the rest is done when it lets go of the lock.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a service waits for its symbols at start. With more debug information than that, loading goes on while it serves.
#[cfg(feature = "serve")]
const LOADING: Duration = Duration::from_secs(2);

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Whose work a thread does, and so where its panics go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// To the log and to the current span.
    Users,
    /// To the log. The current span may be the one that is being worked on, and locked.
    Telemetrys,
    /// To standard error: it was the log that panicked, or the span.
    Hooks,
}

thread_local! {
    static WORK: Cell<Work> = const { Cell::new(Work::Users) };
}

/// Logs panics as one line and records them on the current span, in place of the text that Rust prints by default.
///
/// A hook that somebody has set before (a crash reporter's) is called after that. Only Rust's own is not: it would print
/// the same a second time.
pub(super) fn set_hook() {
    // A hook is taken once, and the next one to take is the default.
    let (before, default) = (take_hook(), take_hook());
    set_hook_before(if is_same(&before, &default) {
        None
    } else {
        Some(before)
    });
}

/// Loads the symbols of the executable before any panic needs them. Blocks until that is done, for at most [`LOADING`].
///
/// The first backtrace of a process reads and sorts all symbols, which takes from 0.1 s to 2 s, depending on the debug
/// information and the load. `std` keeps them, so later backtraces take a millisecond. Without this the first request that
/// panics would wait, perhaps longer than its caller does. The memory is what the first panic would take as well: little in
/// a release build, 30 MB more if the debug symbols of the C library are installed.
#[cfg(feature = "serve")]
pub(crate) fn load_symbols() {
    let (loaded, done) = mpsc::channel();
    #[expect(
        clippy::disallowed_methods,
        reason = "it belongs to no trace, and the process may end without it"
    )]
    let loading = thread::Builder::new()
        .name("load-symbols".to_owned())
        .spawn(move || {
            drop(Backtrace::force_capture().to_string());
            // The receiver is gone if this took too long.
            let _ = loaded.send(());
        });
    // Without a thread, the first panic loads them.
    if loading.is_ok() {
        let _ = done.recv_timeout(LOADING);
    }
}

/// The same, and the present hook is called whichever it is: a test's panics are printed.
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

/// Both without captures, so of size zero and at the same address, and of the same type, which the vtables say. Were one
/// of them ever there twice, Rust's text would be printed beside our line, and no hook be lost.
fn is_same(one: &Hook, other: &Hook) -> bool {
    std::ptr::eq::<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>(&**one, &**other)
}

/// Runs work of telemetry's own on a user's thread, such as a span processor's, which is called below the lock of the
/// span that ends. A panic in it is logged, and goes no further than here: `None`.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = WORK.replace(Work::Telemetrys);
    let result = catch_unwind(AssertUnwindSafe(work));
    WORK.set(outer);
    result.ok()
}

fn report(panic: &PanicHookInfo<'_>, stack_wanted: bool) {
    let work = WORK.get();
    let report = Report::new(panic, stack_wanted);
    let line = report.line();
    if work == Work::Hooks {
        return last_resort(&line);
    }
    let Ok(done) = report_from_a_thread(report, work) else {
        return last_resort(&line);
    };
    let deadline = Instant::now() + PATIENCE;
    let wait = || done.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    match wait() {
        Ok(Done::Logged) => drop(wait()),
        Err(_) => last_resort(&line),
    }
}

/// What the thread has done so far. It goes away when the panic is recorded too.
enum Done {
    Logged,
}

fn report_from_a_thread(report: Report, work: Work) -> std::io::Result<Receiver<Done>> {
    let cx = thread_context::current();
    let (say, done) = mpsc::channel();
    let report = move || {
        WORK.set(Work::Hooks);
        let logged = catch_unwind(AssertUnwindSafe(|| {
            let _current = cx.clone().attach();
            report.log();
            log::flush()
        }));
        if let Ok(true) = logged {
            // Whoever has waited long enough is not there any more.
            let _ = say.send(Done::Logged);
        }
        if work == Work::Users {
            report.record(&cx);
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "it has the panic's context, and is waited for"
    )]
    thread::Builder::new()
        .name("panic".to_owned())
        .spawn(report)?;
    Ok(done)
}

/// Where nothing else is left to say it.
fn last_resort(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contained_work_that_panics_goes_no_further() {
        let fails = || contained::<()>(|| panic!("as it must"));
        assert_eq!(contained(|| 7), Some(7));
        assert_eq!(fails(), None);
        assert_eq!(contained(fails), Some(None));
        assert!(WORK.get() == Work::Users);
    }
}
