//! What the planner's blocks are: comprehensions, lookups of base documents, what gives a rule's value, what would be noticed.

use super::asked::is_made;
use super::decode::Context;
use crate::plan::{Block, Kind, Operand, Statement};

/// Whether what the rule gives is given in there.
pub(super) fn gives(statements: &[Statement], context: &Context<'_>) -> bool {
    statements.iter().any(|statement| match &statement.kind {
        Kind::AssignVarOnce { target, .. } => *target == context.result,
        Kind::SetAdd { set, .. } => *set == context.returned,
        Kind::ObjectInsert { object, .. } | Kind::ObjectInsertOnce { object, .. } => {
            *object == context.returned
        }
        Kind::Block { blocks } => blocks.iter().any(|block| gives(&block.statements, context)),
        Kind::Scan { block, .. } | Kind::With { block, .. } => gives(&block.statements, context),
        _ => false,
    })
}

/// The target of a comprehension: a block that fills the collection made just before.
pub(super) fn comprehension(blocks: &[Block], before: Option<&Kind>) -> Option<i64> {
    let (
        [block],
        Some(Kind::MakeArray { target, .. } | Kind::MakeSet { target } | Kind::MakeObject { target }),
    ) = (blocks, before)
    else {
        return None;
    };
    fills(&block.statements, *target).then_some(*target)
}

/// The local that keeps `input` or `data` for after a `with`. Where a policy asks for the input it says first that it has to be
/// defined.
pub(in crate::program) fn saved(kind: &Kind, before: Option<&Kind>) -> Option<i64> {
    match kind {
        Kind::AssignVar {
            source: Operand::Local(source @ (0 | 1)),
            target,
        } => {
            let asked = matches!(before, Some(Kind::IsDefined { source: asked }) if asked == source);
            (!asked).then_some(*target)
        }
        _ => None,
    }
}

/// Whether something in there is added to a collection.
pub(in crate::program) fn fills(statements: &[Statement], target: i64) -> bool {
    statements.iter().any(|statement| match &statement.kind {
        Kind::ArrayAppend {
            array: collection, ..
        }
        | Kind::SetAdd { set: collection, .. }
        | Kind::ObjectInsertOnce {
            object: collection, ..
        } => *collection == target,
        Kind::Block { blocks } => blocks.iter().any(|block| fills(&block.statements, target)),
        Kind::Scan { block, .. } | Kind::With { block, .. } => fills(&block.statements, target),
        _ => false,
    })
}

/// The lookups of a base document, which the planner writes as two blocks, each left when it is found.
pub(super) fn base_extent(blocks: &[Block]) -> Option<&[Statement]> {
    let [outer] = blocks else { return None };
    let [
        Statement {
            kind: Kind::Block { blocks: inner },
            ..
        },
        Statement {
            kind: Kind::Break { index: 1 },
            ..
        },
    ] = outer.statements.as_slice()
    else {
        return None;
    };
    let [inner] = inner.as_slice() else { return None };
    let (last, steps) = inner.statements.split_last()?;
    let is_step = |step: &Statement| matches!(step.kind, Kind::Dot { .. }) || is_made(&step.kind);
    (matches!(last.kind, Kind::Break { index: 1 }) && steps.iter().all(is_step)).then_some(steps)
}

/// Whether OPA would see a `print` in the body: in the body itself, or in a body within it, but not in a comprehension
/// of the body.
pub(super) fn prints(statements: &[Statement], nested: bool, context: &Context<'_>) -> bool {
    let mut before = None;
    statements.iter().any(|statement| {
        let previous = before.replace(&statement.kind);
        match &statement.kind {
            Kind::Call { function, .. } => matches!(&**function, "internal.print" | "internal.test_case"),
            Kind::Block { blocks } => {
                let closed = comprehension(blocks, previous).is_some() && !nested;
                !closed
                    && blocks
                        .iter()
                        .any(|block| prints(&block.statements, nested, context))
            }
            Kind::Not { block } => prints(&block.statements, true, context),
            Kind::Scan { block, .. } => {
                // An `every` is a body of its own.
                let nested = nested || !gives(&block.statements, context);
                prints(&block.statements, nested, context)
            }
            Kind::With { block, .. } => prints(&block.statements, nested, context),
            _ => false,
        }
    })
}

/// Whether something in there does what a rule not visited would not have done.
pub(super) fn acts(statements: &[Statement], context: &Context<'_>) -> bool {
    statements.iter().any(|statement| match &statement.kind {
        Kind::Call { function, .. } => context.functions.contains_key(function) || !is_quiet(function),
        Kind::CallDynamic { .. } | Kind::ObjectInsertOnce { .. } => true,
        Kind::Block { blocks } => blocks.iter().any(|block| acts(&block.statements, context)),
        Kind::Not { block } | Kind::Scan { block, .. } | Kind::With { block, .. } => {
            acts(&block.statements, context)
        }
        _ => false,
    })
}

/// Builtins that neither fail nor do anything but give a value.
pub(super) fn is_quiet(name: &str) -> bool {
    matches!(
        name,
        "equal"
            | "neq"
            | "lt"
            | "lte"
            | "gt"
            | "gte"
            | "internal.member_2"
            | "internal.member_3"
            | "is_string"
            | "is_number"
            | "is_boolean"
            | "is_array"
            | "is_object"
            | "is_set"
            | "is_null"
    )
}
