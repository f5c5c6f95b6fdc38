//! The commands, a file or a folder each.

pub mod bundle;
pub mod check;
pub mod client;
pub mod explain;
pub mod plumbing;
pub mod status;
pub mod token;
