//! What every process of ours does alike with the operating system: private files that are there whole or not at all, and
//! the signals that end a process in order. Knows nothing of what is in the files, and ends nothing itself.

mod private_file;
mod signals;

pub use private_file::{Claimed, claim_private, replace_private};
pub use signals::told_to_end;
