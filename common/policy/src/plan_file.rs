//! A plan as a bundle carries it, in one of the two formats that `opa build -t plan` writes.

use postern_rego::{HostBuiltins, LoadError, Program};

/// A plan's bytes, and what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFile<'a> {
    /// `plan.json`.
    Json(&'a [u8]),
    /// `plan.pb`, of `opa build --format proto`.
    Protobuf(&'a [u8]),
}

impl<'a> PlanFile<'a> {
    /// The file's content.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Json(bytes) | Self::Protobuf(bytes) => bytes,
        }
    }

    /// Its name in a bundle.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json(_) => "plan.json",
            Self::Protobuf(_) => "plan.pb",
        }
    }

    /// Makes it a program.
    ///
    /// # Errors
    /// As [`Program::load`].
    pub fn load(self, host: &dyn HostBuiltins) -> Result<Program, LoadError> {
        match self {
            Self::Json(bytes) => Program::load(bytes, host),
            Self::Protobuf(bytes) => Program::load_protobuf(bytes, host),
        }
    }
}
