//! The exit codes, once: what a script may rely on. Never more than three, so that `if postern check …` reads as it should.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Yes; done.
    Yes = 0,
    /// No; refused: the question was asked and this is the answer.
    No = 1,
    /// Wrong usage, or the question could not be asked.
    Usage = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
