//! JSON text, read by pulling and written: the one grammar under values and plans. Keeps numbers as text, bounds
//! nesting, never recurses deeper than it is told.

mod reader;
mod value;

pub use reader::JsonError;
pub(crate) use reader::{Kind, Reader};
pub(crate) use value::{read_value, write_value};
