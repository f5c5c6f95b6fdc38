//! The rules that a function of the plan was made of. OPA's planner writes a block for each, and those of one `else`
//! chain into a block of their own; what isn't of that shape runs as it stands.

use crate::plan::{Block, Function, Kind, Operand, Statement};

/// What the rules of a function make together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::program) enum Made {
    /// One value: a complete document, or a function's result.
    Value,
    Set,
    Object,
}

/// A function, taken apart.
pub(in crate::program) struct Rules<'p> {
    pub(in crate::program) made: Made,
    /// The block that makes the empty collection.
    pub(in crate::program) begin: Option<&'p Block>,
    pub(in crate::program) groups: Vec<Group<'p>>,
    /// The default rule, and what returns.
    pub(in crate::program) rest: &'p [Block],
    /// The local for the value of one rule.
    pub(in crate::program) result: i64,
    /// The local for what the function returns.
    pub(in crate::program) returned: i64,
}

/// A rule and its `else` chain.
pub(in crate::program) struct Group<'p> {
    pub(in crate::program) branches: Vec<&'p Block>,
}

/// The rules of a function, if it has the planner's shape.
pub(in crate::program) fn rules(function: &Function) -> Option<Rules<'_>> {
    let (last, blocks) = function.blocks.split_last()?;
    let [
        Statement {
            kind: Kind::ReturnLocal { source: returned },
            ..
        },
    ] = last.statements.as_slice()
    else {
        return None;
    };
    let returned = *returned;
    let (first, others) = blocks.split_first()?;
    let (made, begin, mut left) = match first.statements.as_slice() {
        [
            Statement {
                kind: Kind::MakeSet { target },
                ..
            },
        ] if *target == returned => (Made::Set, Some(first), others),
        [
            Statement {
                kind: Kind::MakeObject { target },
                ..
            },
        ] if *target == returned => (Made::Object, Some(first), others),
        _ => (Made::Value, None, blocks),
    };
    let result = result_of(left.first()?)?;
    let mut groups = Vec::new();
    while let Some((group, after)) = group(made, left, result, returned) {
        groups.push(group);
        left = after;
    }
    // What is left is the default rule at most.
    let is_default = |block: &Block| {
        matches!(block.statements.first().map(|first| &first.kind),
            Some(Kind::IsUndefined { source }) if *source == returned)
    };
    let rest = function.blocks.get(function.blocks.len() - left.len() - 1..)?;
    (left.len() <= 1 && left.iter().all(is_default) && !groups.is_empty()).then_some(Rules {
        made,
        begin,
        groups,
        rest,
        result,
        returned,
    })
}

/// The local that a rule's block begins by resetting.
fn result_of(block: &Block) -> Option<i64> {
    match &block.statements.first()?.kind {
        Kind::ResetLocal { target } => Some(*target),
        Kind::Block { blocks } => match &blocks.first()?.statements.first()?.kind {
            Kind::ResetLocal { target } => Some(*target),
            _ => None,
        },
        _ => None,
    }
}

fn group(made: Made, blocks: &[Block], result: i64, returned: i64) -> Option<(Group<'_>, &[Block])> {
    let (first, after) = blocks.split_first()?;
    let is_rule = |block: &Block| result_of(block) == Some(result);
    if !is_rule(first) {
        return None;
    }
    match (first.statements.as_slice(), made) {
        (
            [
                Statement {
                    kind: Kind::Block { blocks },
                    ..
                },
            ],
            Made::Value,
        ) => {
            let (end, branches) = blocks.split_last()?;
            let elses = branches.get(1..)?;
            let is_else = |block: &Block| {
                matches!(block.statements.first().map(|first| &first.kind),
                    Some(Kind::IsUndefined { source }) if *source == result)
            };
            let fits =
                is_rule(branches.first()?) && elses.iter().all(is_else) && is_end(end, result, returned);
            let branches = branches.iter().collect();
            fits.then_some((Group { branches }, after))
        }
        (
            [
                Statement {
                    kind: Kind::Block { .. },
                    ..
                },
            ],
            _,
        ) => None,
        (_, Made::Value) => {
            let (end, after) = after.split_first()?;
            is_end(end, result, returned).then_some((
                Group {
                    branches: vec![first],
                },
                after,
            ))
        }
        _ => Some((
            Group {
                branches: vec![first],
            },
            after,
        )),
    }
}

/// Whether a block takes a rule's value over as the function's.
fn is_end(block: &Block, result: i64, returned: i64) -> bool {
    matches!(
        block.statements.as_slice(),
        [
            Statement { kind: Kind::IsDefined { source }, .. },
            Statement { kind: Kind::AssignVarOnce { source: Operand::Local(value), target }, .. },
        ] if *source == result && *value == result && *target == returned
    )
}
