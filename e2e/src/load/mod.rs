//! Load: an open loop at a constant arrival rate for latencies, a closed loop for cost and throughput; each over raw
//! ext_authz or over HTTP.

mod closed;
mod ext_authz;
mod http;
mod open;
mod pace;

pub use closed::{closed_loop, closed_loop_of};
pub use ext_authz::{ExtAuthz, ManyConnections};
pub use http::Http;
pub use open::{Outcome, open_loop};
pub use pace::{Pacer, ThreadPacer};

use std::sync::Arc;

/// What a load generator asks. `i` counts requests, so that tokens and paths rotate.
pub trait Target: Send + Sync + 'static {
    /// Sends request `i` and says whether the answer was the wanted one.
    fn ask(self: Arc<Self>, i: u64) -> impl Future<Output = bool> + Send;
}
