//! Checks whether SIGHUP is ignored, as under `nohup`. Child processes inherit ignored signals, so tests that send
//! SIGHUP to a child are skipped in this case.

/// Returns whether this process ignores SIGHUP. Returns `false` on systems without `/proc`.
pub(crate) fn is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}
