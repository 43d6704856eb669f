//! Child processes, which all end with the soak.

use std::io;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// Returns a command for a process that ends with the soak. Its process group is new, so that Ctrl-C reaches only the soak.
pub(super) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.process_group(0).kill_on_drop(true);
    // Stops the child even if the soak is killed. The kernel sends the signal when the thread that started the child
    // ends: here the main thread.
    #[cfg(target_os = "linux")]
    // SAFETY: between fork and exec, the closure only makes one system call and does not allocate.
    unsafe {
        command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?));
    }
    command
}

/// Sends a signal to a child process that has not been waited for.
pub(super) fn signal(child: &Child, signal: Signal) -> io::Result<()> {
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    let pid = pid.ok_or_else(|| io::Error::other("the process has ended"))?;
    Ok(kill(Pid::from_raw(pid), signal)?)
}
