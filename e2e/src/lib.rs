//! What tests and benches of the whole product share: load generators, the reference server, ways to measure a process,
//! tables and plots. Nothing of the product depends on it.

#![expect(
    clippy::disallowed_methods,
    reason = "a harness measures real time; nothing in here decides anything"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the harness prints tables and progress for people"
)]

pub mod bench;
pub mod load;
pub mod measure;
pub mod null;
pub mod report;
pub mod stack;
pub mod traffic;
