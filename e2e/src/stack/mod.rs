//! The whole product, started as a newcomer starts it (`postern dev`) on ports and in a folder of its own, and asked from
//! outside. What tests need to read well lives here; what they promise stands in the tests.

mod answer;
mod binaries;
mod issuer;
mod ports;
mod process;
mod running;

pub use answer::Answer;
pub use binaries::{binary, root};
pub use issuer::TestIssuer;
pub use ports::free_base;
pub use process::{alive, terminate, wait_until};
pub use running::{Client, Options, Stack};
