//! Which operations belong to which rule, and which of them give its value: nothing that runs, only what a recording tells.

use super::{Body, Kind};
use crate::error::LoadError;
use crate::plan::{Block, Location};
use crate::program::index::Rules;
use crate::program::rules::{Mark, RuleId};

/// The rule that is being lowered.
#[derive(Clone, Copy)]
pub(super) struct Own {
    pub(super) id: RuleId,
    /// Where it begins.
    location: Location,
    /// The locals, as the plan numbers them, that its value goes to: the rule's own, and what the function returns.
    result: i64,
    returned: i64,
}

impl Body<'_, '_> {
    /// Lowers a rule with `lower`.
    pub(super) fn within(
        &mut self,
        (block, rules): (&Block, &Rules<'_>),
        lower: impl FnOnce(&mut Self) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        self.begin(block, (rules.result, rules.returned), false);
        lower(self)?;
        self.rule = None;
        Ok(())
    }

    /// The default rule, if there is one, and what returns.
    pub(super) fn rest(&mut self, rules: &Rules<'_>) -> Result<(), LoadError> {
        for block in rules.rest {
            if matches!(
                block.statements.first().map(|first| &first.kind),
                Some(Kind::IsUndefined { .. })
            ) {
                self.begin(block, (rules.result, rules.returned), true);
                let branches = rules.groups.iter().map(|group| group.branches.len()).sum();
                self.rule(block, branches)?;
                self.rule = None;
                continue;
            }
            self.blocks(std::slice::from_ref(block))?;
            self.rule = None;
        }
        Ok(())
    }

    /// Blocks of which it isn't known how they are searched: of a function each is taken for a rule, of an entrypoint none.
    pub(super) fn unsearched(&mut self, blocks: &[Block]) -> Result<(), LoadError> {
        let returned = blocks
            .iter()
            .rev()
            .flat_map(|block| block.statements.iter().rev());
        let returned = returned.filter_map(|statement| match &statement.kind {
            Kind::ReturnLocal { source } => Some(*source),
            _ => None,
        });
        let returned = returned.take(1).next();
        for block in blocks {
            if let (Some(returned), [_, _, ..]) = (returned, block.statements.as_slice()) {
                self.begin(block, (returned, returned), false);
            }
            self.blocks(std::slice::from_ref(block))?;
            self.rule = None;
        }
        Ok(())
    }

    fn begin(&mut self, block: &Block, (result, returned): (i64, i64), is_default: bool) {
        let location = first_location(block);
        let id = self
            .builder
            .begin_rule(self.name, location, self.entry, is_default);
        self.rule = id.map(|id| Own {
            id,
            location,
            result,
            returned,
        });
    }

    /// Notes of the operation emitted last that it gives the rule's value, if it writes where that goes. Of a rule with
    /// several keys the last object or set is another; there the place tells, which is the rule's.
    pub(super) fn note_given(&mut self, target: i64) {
        let Some(own) = self.rule else { return };
        let is_own = own.location.is_known() && self.location == own.location;
        if target == own.result || target == own.returned || is_own {
            self.builder.mark(Mark::Gives);
        }
    }
}

/// Where a block begins: an `else` chain's stands in one of its own, which has no place.
fn first_location(block: &Block) -> Location {
    match block.statements.first() {
        Some(first) => match &first.kind {
            Kind::Block { blocks } if !first.location.is_known() => {
                blocks.first().map_or(first.location, first_location)
            }
            _ => first.location,
        },
        None => Location::default(),
    }
}
