//! The rules that a program's operations came from: what a recording tells by name and row.

use super::{Program, Spot};
use crate::error::Place;
use crate::program::Address;

/// Names a rule; those of one function follow each other.
pub(crate) type RuleId = u32;

/// What an operation means for its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mark {
    #[default]
    None,
    /// It gives the rule's value.
    Gives,
    /// It leaves an expression that doesn't hold though no operation is undefined: a `not`.
    Leaves,
}

/// A rule: one block of the plan, one of an `else` chain's, or the default.
pub(super) struct Rule {
    pub(super) spot: Spot,
    /// Which lowered body it belongs to: a function can be lowered twice.
    pub(super) body: Address,
    pub(super) is_default: bool,
}

impl Program {
    /// The rule that the operation at `at` belongs to.
    pub(crate) fn rule_at(&self, at: Address) -> Option<RuleId> {
        self.spots.get(at as usize)?.rule
    }

    pub(crate) fn mark_at(&self, at: Address) -> Mark {
        self.spots.get(at as usize).map_or(Mark::None, |spot| spot.mark)
    }

    /// Where a rule begins.
    pub(crate) fn rule_place(&self, rule: RuleId) -> Place {
        self.rules
            .get(rule as usize)
            .map_or_else(Place::default, |rule| self.spot_place(&rule.spot))
    }

    /// Where the rule begins that the operation at `at` belongs to.
    pub(crate) fn place_of_rule_at(&self, at: Address) -> Place {
        self.rule_at(at)
            .map_or_else(Place::default, |rule| self.rule_place(rule))
    }

    /// What comes after the rule that the operation at `at` belongs to.
    pub(crate) fn end_of_rule_at(&self, at: Address) -> Option<Address> {
        let own = self.rule_at(at)?;
        let end = Address::try_from(self.spots.len()).ok()?;
        (at..end).find(|at| self.rule_at(*at) != Some(own))
    }

    /// Whether the operation only asks if there is a value yet, for an `else` or a default rule: it stands where the rule
    /// begins.
    pub(crate) fn opens_rule(&self, at: Address, rule: RuleId) -> bool {
        let (Some(spot), Some(rule)) = (self.spots.get(at as usize), self.rules.get(rule as usize)) else {
            return false;
        };
        let begins = &rule.spot;
        (spot.file, spot.row, spot.column) == (begins.file, begins.row, begins.column)
    }

    /// The rules after this one that are visited if it gives no value that ends the search.
    pub(crate) fn rules_after(&self, rule: RuleId) -> impl Iterator<Item = RuleId> + '_ {
        let body = self.rules.get(rule as usize).map(|rule| rule.body);
        let rest = self.rules.iter().zip(0..).skip(rule as usize + 1);
        rest.take_while(move |(other, _)| Some(other.body) == body)
            .filter(|(other, _)| !other.is_default)
            .map(|(_, id)| id)
    }

    /// Whether the plan says of its rules which file and row they are from. A plan that was stripped doesn't, and of rules
    /// that OPA's optimizer made (`-O=1`) some don't.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        self.rules.iter().any(|rule| rule.spot.file.is_some())
    }
}
