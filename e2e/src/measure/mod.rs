//! Measuring a process from outside: the CPU it used, the memory it holds, where it may run.

mod child;
mod process;

pub use child::Child;
pub use process::{cpu_time, pin_this_thread, resident_mib};
