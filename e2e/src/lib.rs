//! What tests and benches of the whole product share: load generators, the reference server, ways to measure a process,
//! tables and plots. Nothing of the product depends on it.

#![expect(
    clippy::disallowed_methods,
    reason = "a harness measures real time; nothing in here decides anything"
)]

pub mod bench;
pub mod load;
pub mod measure;
pub mod null;
pub mod opa_envoy;
pub mod report;
#[expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on panics, and says why"
)]
pub mod stack;
pub mod traffic;
