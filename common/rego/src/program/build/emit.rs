//! Operations as they are written down, each with the place in the Rego that it comes from.

use super::Builder;
use crate::error::{LoadError, Place};
use crate::plan::Location;
use crate::program::Spot;
use crate::program::op::{Address, Op};
use crate::program::rules::{Mark, Rule, RuleId};

fn spot(name: u32, location: Location) -> Spot {
    Spot {
        name,
        file: u32::try_from(location.file).ok().filter(|_| location.is_known()),
        row: location.row,
        column: location.column,
        rule: None,
        mark: Mark::None,
    }
}

impl Builder<'_> {
    pub(in crate::program) fn emit(&mut self, op: Op, name: u32, location: Location, rule: Option<RuleId>) {
        self.code.push(op);
        self.spots.push(Spot {
            rule,
            ..spot(name, location)
        });
    }

    /// Says what the operation emitted last means for its rule.
    pub(in crate::program) fn mark(&mut self, mark: Mark) {
        if let Some(spot) = self.spots.last_mut() {
            spot.mark = mark;
        }
    }

    /// The rule that begins here.
    pub(in crate::program) fn begin_rule(
        &mut self,
        name: u32,
        location: Location,
        body: Address,
        is_default: bool,
    ) -> Option<RuleId> {
        let id = RuleId::try_from(self.rules.len()).ok()?;
        self.rules.push(Rule {
            spot: spot(name, location),
            body,
            is_default,
        });
        Some(id)
    }

    /// Sets where the operation at `at` goes when it doesn't go on.
    pub(in crate::program) fn patch(&mut self, at: Address, to: Address) {
        if let Some(op) = self.code.get_mut(at as usize) {
            op.set_exit(to);
        }
    }

    pub(in crate::program) fn check_file(&self, name: u32, location: Location) -> Result<(), LoadError> {
        let len = self.plan.files.len();
        if !location.is_known() || usize::try_from(location.file).is_ok_and(|file| file < len) {
            return Ok(());
        }
        let place = self.place(name, Location::default());
        Err(LoadError::IndexOutOfRange {
            table: "file",
            index: location.file,
            len,
            place,
        })
    }

    pub(in crate::program) fn place(&self, name: u32, location: Location) -> Place {
        let file = usize::try_from(location.file)
            .ok()
            .filter(|_| location.is_known());
        let file = file
            .and_then(|file| self.plan.files.get(file))
            .cloned()
            .unwrap_or_default();
        let function = self.names.get(name as usize).cloned().unwrap_or_default();
        Place {
            function,
            file,
            row: location.row,
            column: location.column,
        }
    }
}
