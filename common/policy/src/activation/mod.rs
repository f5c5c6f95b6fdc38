//! From an archive to a policy that may be asked, one step after the other, each of which only the one before can lead to:
//! [`Fetched`] → [`Verified`] → [`Joined`] → ([`CompileJob`](crate::compilation::CompileJob) →) [`Ready`] → [`Checked`] →
//! [`Tried`] → in force. Pure: what reads, compiles and swaps is the host's. Nothing of what is in force ([`Active`]) changes
//! before the last step, so that a process that is killed, or a bundle that is refused, at any of them leaves it as it was.
//!
//! Bundles are activated one at a time and together with all the others, as in OPA: one that doesn't go with them is refused,
//! and its last good version stays. It is kept, and tried again when another bundle has changed.

mod active;
mod arrival;
mod compiling;
mod order;
mod policy;
mod refusal;
mod steps;
mod wasm;

pub use active::{Active, ActiveBundle, Stale, Swapped};
pub use arrival::{Fetched, Verified};
pub use compiling::Compiling;
pub use order::OlderBundle;
pub use refusal::NoCompiler;
pub use refusal::{Reason, Refusal, Step};
pub use steps::{Checked, Demand, Joined, NextStep, Ready, Tried};

#[cfg(test)]
mod tests;
