//! What an engine may be asked, and where the answer comes from.

use postern_rego::{Program, Value};

use super::{Answer, Asked};
use crate::EngineError;
use crate::input::InputReads;

/// Something that may be asked, under a name of its own.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Where its answer comes from.
    pub answer: EntryAnswer,
}

/// Where an answer comes from.
#[derive(Debug, Clone)]
pub enum EntryAnswer {
    /// From this entrypoint of the plan, as the plan spells it.
    Entrypoint(String),
    /// From the base data, which has this there, or nothing.
    Data(Option<Value>),
}

impl Entry {
    /// An entrypoint of the plan under the plan's name for it.
    #[must_use]
    pub fn of_plan(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            answer: EntryAnswer::Entrypoint(name.to_owned()),
        }
    }

    pub(super) fn asked(self, program: &Program) -> Result<Asked, EngineError> {
        let (answer, reads) = match self.answer {
            EntryAnswer::Data(value) => (
                Answer::Fixed(value),
                InputReads::new(&postern_rego::Reads::nothing()),
            ),
            EntryAnswer::Entrypoint(name) => {
                let id = program
                    .entrypoint(&name)
                    .ok_or_else(|| EngineError::Load(format!("it has no entrypoint `{name}`")))?;
                (Answer::Plan(id), InputReads::new(program.reads(id)))
            }
        };
        Ok(Asked {
            name: self.name,
            answer,
            reads,
        })
    }
}
