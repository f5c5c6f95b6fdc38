//! Routes: what the file says of them, and what they must be. Each has a name of its own, each can match, each asks for
//! something that a request can have.

mod check;
mod conditions;
mod file;
mod place;
mod rules;

pub(super) use check::{Surroundings, checked};
pub(super) use file::Route;
