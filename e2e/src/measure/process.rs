//! Readings of a process by its id.

use std::time::Duration;

use anyhow::Context as _;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// User and system time of all threads of the process since it started, at the kernel's full resolution
/// (`clock_getcpuclockid(3)`; `/proc/PID/stat` counts in ticks of 10 ms).
///
/// # Errors
/// Where there is no such process.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let clock = clock_getcpuclockid(as_pid(pid)?).context("no CPU clock for this process")?;
    Ok(clock_gettime(clock)?.into())
}

/// Resident memory in MiB.
///
/// # Errors
/// Where there is no such process.
pub fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .context("no VmRSS line")?
        .parse()?;
    Ok(kib / 1024.0)
}

/// Lets this thread, and the threads and processes that it starts from now on, run on one core only.
/// Where the machine has just one core there is nothing to choose, and nothing is done.
///
/// # Errors
/// Where the kernel refuses.
pub fn pin_this_thread(core: usize) -> anyhow::Result<()> {
    if std::thread::available_parallelism()?.get() < 2 {
        return Ok(());
    }
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

fn as_pid(pid: u32) -> anyhow::Result<Pid> {
    Ok(Pid::from_raw(i32::try_from(pid).context("not a process id")?))
}
