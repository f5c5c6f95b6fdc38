//! The policy of `postern dev`: what lies in a folder, compiled, signed and published; looked at again when it changes.
//! Whatever fails leaves the last good one serving, and says so.

mod follow;
mod machine;
mod maker;
mod publisher;
mod retry;
mod revision;
pub mod status;

pub use follow::follow;
pub use maker::{Maker, write_demo};
pub use publisher::{Look, Publisher};
