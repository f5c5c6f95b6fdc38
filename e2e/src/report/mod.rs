//! What a bench leaves behind: tables on the terminal, `target/bench/summary.json`, SVG plots.

mod pairs;
mod plot;
mod summary;
mod table;

pub use pairs::{Pairs, Spread};
pub use plot::{cost_over_load, latency_distributions};
pub use summary::Summary;
pub use table::table;
