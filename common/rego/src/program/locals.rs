//! The local variables of one function, renumbered without gaps: parameters first, then in the order of their use.

use std::collections::HashMap;

use super::op::{Local, Operand};

#[derive(Default)]
pub(super) struct Locals {
    numbers: HashMap<i64, Local>,
}

/// Why a local can't be had.
pub(super) enum LocalError {
    Negative,
    TooMany,
}

impl Locals {
    /// Numbers the parameters; `None` if one comes twice.
    pub(super) fn new(params: &[i64]) -> Option<Self> {
        let mut locals = Locals::default();
        for (at, param) in params.iter().enumerate() {
            let known = locals.number(*param).ok()?;
            if known as usize != at {
                return None;
            }
        }
        Some(locals)
    }

    /// The number of a local, new if it hasn't come before.
    pub(super) fn number(&mut self, local: i64) -> Result<Local, LocalError> {
        if local < 0 {
            return Err(LocalError::Negative);
        }
        let next = self.numbers.len();
        if next >= Operand::BOUND {
            return Err(LocalError::TooMany);
        }
        let next = Local::try_from(next).map_err(|_| LocalError::TooMany)?;
        Ok(*self.numbers.entry(local).or_insert(next))
    }

    pub(super) fn count(&self) -> Local {
        Local::try_from(self.numbers.len()).unwrap_or(Local::MAX)
    }
}
