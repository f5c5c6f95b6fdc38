//! The local variables of one function, renumbered without gaps: parameters first, then in the order of their use.

use crate::hash::HashMap;

use super::op::{Local, Operand};

/// How far ahead of those that have come a local may be for a place in the list.
const REACH: usize = 1024;

/// Planners number locals one after the other, so nearly all of them have their place in a list.
#[derive(Default)]
pub(super) struct Locals {
    near: Vec<Option<Local>>,
    far: HashMap<i64, Local>,
    count: usize,
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
        let at = usize::try_from(local).map_err(|_| LocalError::Negative)?;
        if let Some(Some(known)) = self.near.get(at) {
            return Ok(*known);
        }
        if !self.far.is_empty()
            && let Some(known) = self.far.get(&local)
        {
            return Ok(*known);
        }
        if self.count >= Operand::BOUND {
            return Err(LocalError::TooMany);
        }
        let next = Local::try_from(self.count).map_err(|_| LocalError::TooMany)?;
        self.count += 1;
        if at >= self.near.len() && at < self.near.len() + REACH {
            self.near.resize(at + 1, None);
        }
        match self.near.get_mut(at) {
            Some(place) => *place = Some(next),
            None => drop(self.far.insert(local, next)),
        }
        Ok(next)
    }

    pub(super) fn count(&self) -> Local {
        Local::try_from(self.count).unwrap_or(Local::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{LocalError, Locals, REACH};

    #[test]
    fn locals_near_and_far_are_numbered_as_they_come_and_found_again() {
        let mut locals = Locals::new(&[0, 1]).unwrap();
        let far = i64::try_from(10 * REACH).unwrap();
        // What was far when it came stays where it is, when those before it come.
        let all: Vec<i64> = [far, i64::MAX, 5]
            .into_iter()
            .chain((2..far + 2).step_by(7))
            .collect();
        let mut known = vec![0, 1];
        for local in all {
            let number = locals.number(local).unwrap_or_else(|_| panic!("{local}"));
            let before = known.iter().position(|other| *other == local);
            assert_eq!(number as usize, before.unwrap_or(known.len()), "{local}");
            if before.is_none() {
                known.push(local);
            }
        }
        assert_eq!(locals.count() as usize, known.len());
        for (at, local) in known.iter().enumerate() {
            assert!(
                locals.number(*local).is_ok_and(|number| number as usize == at),
                "{local}"
            );
        }
        assert!(matches!(locals.number(-1), Err(LocalError::Negative)));
        assert!(Locals::new(&[0, 0]).is_none());
    }
}
