//! The clock of all figures: the time this process had a core, so that others on the machine cost it as little
//! as they can. Elsewhere than on Linux: the time that went by.

use std::time::Duration;

#[cfg(target_os = "linux")]
pub fn now() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(not(target_os = "linux"))]
pub fn now() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Keeps this thread on one core. What it stays on, if the system allows that.
#[cfg(target_os = "linux")]
pub fn pin(core: usize) -> Option<usize> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if core >= CpuSet::MAX_CPU {
        return None;
    }
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).ok().map(|()| core)
}

#[cfg(not(target_os = "linux"))]
pub fn pin(_: usize) -> Option<usize> {
    None
}
