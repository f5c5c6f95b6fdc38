//! The benches behind `make bench`: each measures a few named figures and returns them with its table.

mod bundles;
mod check;
mod connections;
mod counts;
mod envoy;
mod growth;
mod peers;
mod policy;
mod revocations;
mod shipped;
mod swap;
pub mod tools;
mod world;

pub use check::check;
pub use connections::connections;
pub use counts::counts;
pub use envoy::through_envoy;
pub use growth::growth;
pub use peers::peers;
pub use policy::policy;
pub use shipped::shipped;
pub use swap::swap;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::load::{Outcome, Target, ThreadPacer, open_loop};
use crate::report::Summary;

/// Where a bench finds what it runs and leaves what it draws.
#[derive(Clone)]
pub struct Setting {
    /// Folder of the release binaries.
    pub binaries: PathBuf,
    /// The repository's root.
    pub root: PathBuf,
    /// `target/bench`.
    pub output: PathBuf,
    /// How many A B pairs each ratio is taken from.
    pub rounds: usize,
}

/// What a bench saw.
pub struct Measured {
    /// The named figures.
    pub summary: Summary,
    /// Markdown, for the terminal and docs/benchmarks.md.
    pub text: String,
}

/// How long and how hard.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Each measured stretch.
    pub stretch: Duration,
    /// Not counted, before each.
    pub warm_up: Duration,
    /// Arrival rate of the open loop, requests a second.
    pub rate: u32,
}

/// An open loop of the shape's rate, warmed up; every answer must be the wanted one.
async fn at_rate<T: Target>(target: &Arc<T>, shape: Shape) -> anyhow::Result<Outcome> {
    open_loop(Arc::clone(target), ThreadPacer::start(shape.rate, shape.warm_up)).await;
    let outcome = open_loop(Arc::clone(target), ThreadPacer::start(shape.rate, shape.stretch)).await;
    anyhow::ensure!(
        outcome.failed == 0,
        "{} requests failed or were denied",
        outcome.failed
    );
    Ok(outcome)
}
