//! Whether SIGHUP is ignored here, as under `nohup`. Children inherit that, so tests that send SIGHUP to one are skipped then.

/// Returns whether this process ignores SIGHUP. Only Linux shows that.
pub(crate) fn is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}
