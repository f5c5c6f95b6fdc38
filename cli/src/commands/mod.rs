//! The commands, a file or a folder each.

pub mod api_key;
pub mod bundle;
pub mod check;
pub mod client;
pub mod explain;
pub mod plumbing;
pub mod policy;
pub mod revoke;
pub mod spiffe;
pub mod status;
pub mod token;
