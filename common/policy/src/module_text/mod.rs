//! Values as Wasm modules write and read them: JSON with sets, and with keys of any kind. What runs modules is elsewhere
//! (feature `wasm`); the texts are strangers', and are read alike by whatever looks into them.

mod read;
mod write;

pub use read::{ReadError, read};
pub use write::write;
