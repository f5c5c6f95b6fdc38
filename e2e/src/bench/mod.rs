//! The benches behind `make bench`: each measures a few named figures and returns them with its table.

mod check;
mod envoy;
mod policy;
pub mod tools;
mod world;

pub use check::{Shape, check};
pub use envoy::through_envoy;
pub use policy::policy;

use std::path::PathBuf;

use crate::report::Summary;

/// Where a bench finds what it runs and leaves what it draws.
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
