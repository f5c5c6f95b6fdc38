//! Which keys the rules of a partial set or object give, as far as that is known before they are visited: where one key
//! is asked for, OPA visits only the rules that could give it, and each only as far as it does.

use std::collections::HashSet;
use std::sync::Arc;

use super::shape::{Made, Rules};
use crate::plan::{Block, Kind, Operand, Plan, Statement};

/// The keys that a rule gives, outermost first.
pub(in crate::program) type Keys = Vec<Operand>;

/// The keys of each rule of a function, and how many there are at most; `None` where keys can't be asked for.
pub(in crate::program) fn keys(rules: &Rules<'_>) -> Option<(Vec<Keys>, usize)> {
    if rules.made == Made::Value {
        return None;
    }
    let keys: Vec<Keys> = rules
        .groups
        .iter()
        .map(|group| match group.branches.as_slice() {
            [block] => keys_of(block, rules.returned),
            _ => Keys::new(),
        })
        .collect();
    let most = keys.iter().map(Vec::len).max().filter(|most| *most > 0)?;
    Some((keys, most))
}

/// Follows the collections that a rule adds to, from the one that the function returns.
fn keys_of(block: &Block, returned: i64) -> Keys {
    let mut keys = Keys::new();
    let mut at = returned;
    while let Some((key, inner)) = added(&block.statements, at) {
        keys.push(key);
        match inner {
            Some(inner) => at = inner,
            None => return keys,
        }
    }
    // What isn't understood to its end isn't used.
    Keys::new()
}

/// The key that is added to a collection, and the collection found or made there, which is added to in turn.
fn added(statements: &[Statement], to: i64) -> Option<(Operand, Option<i64>)> {
    statements.iter().find_map(|statement| match &statement.kind {
        Kind::SetAdd { value, set } if *set == to => Some((*value, None)),
        Kind::ObjectInsertOnce { key, object, .. } if *object == to => Some((*key, None)),
        Kind::Dot {
            source: Operand::Local(source),
            key,
            target,
        } if *source == to => Some((*key, Some(*target))),
        Kind::Block { blocks } => blocks.iter().find_map(|block| added(&block.statements, to)),
        Kind::Scan { block, .. } | Kind::With { block, .. } => added(&block.statements, to),
        _ => None,
    })
}

/// Where a constant key is made that isn't an operand itself.
pub(in crate::program) fn made(block: &Block, local: i64) -> Option<&Kind> {
    block
        .statements
        .iter()
        .find_map(|statement| match &statement.kind {
            kind @ (Kind::MakeNumberRef { target, .. }
            | Kind::MakeNumberInt { target, .. }
            | Kind::MakeNull { target })
                if *target == local =>
            {
                Some(kind)
            }
            Kind::Block { blocks } => blocks.iter().find_map(|block| made(block, local)),
            Kind::Scan { block, .. } | Kind::With { block, .. } => made(block, local),
            _ => None,
        })
}

/// A call of which only some of the result is looked up, right after it.
pub(in crate::program) struct Asking<'p> {
    pub(in crate::program) keys: Keys,
    /// What makes the keys.
    pub(in crate::program) makes: Vec<&'p Kind>,
    pub(in crate::program) dots: Vec<&'p Statement>,
}

impl Asking<'_> {
    /// How many statements after the call it takes.
    pub(in crate::program) fn len(&self) -> usize {
        self.makes.len() + self.dots.len()
    }
}

/// What is looked up in a call's result by the statements after it.
pub(in crate::program) fn asking(result: i64, after: &[Statement]) -> Asking<'_> {
    let mut asking = Asking {
        keys: Keys::new(),
        makes: Vec::new(),
        dots: Vec::new(),
    };
    let mut makes = Vec::new();
    let mut at = result;
    for statement in after {
        match &statement.kind {
            kind @ (Kind::MakeNumberRef { .. } | Kind::MakeNumberInt { .. } | Kind::MakeNull { .. }) => {
                makes.push(kind);
            }
            Kind::Dot {
                source: Operand::Local(source),
                key,
                target,
            } if *source == at => {
                asking.makes.append(&mut makes);
                asking.keys.push(*key);
                asking.dots.push(statement);
                at = *target;
            }
            _ => break,
        }
    }
    asking
}

/// The functions of which a key is asked somewhere.
pub(in crate::program) fn asked(plan: &Plan) -> HashSet<Arc<str>> {
    let mut found = HashSet::new();
    let functions = plan.functions.iter().flat_map(|function| &function.blocks);
    let entrypoints = plan.entrypoints.iter().flat_map(|entrypoint| &entrypoint.blocks);
    let mut open: Vec<&Block> = functions.chain(entrypoints).collect();
    while let Some(block) = open.pop() {
        for (statement, at) in block.statements.iter().zip(1..) {
            match &statement.kind {
                Kind::Call { function, result, .. } => {
                    let after = block.statements.get(at..).unwrap_or_default();
                    if !asking(*result, after).keys.is_empty() {
                        found.insert(Arc::clone(function));
                    }
                }
                Kind::Block { blocks } => open.extend(blocks),
                Kind::Not { block } | Kind::Scan { block, .. } | Kind::With { block, .. } => open.push(block),
                _ => {}
            }
        }
    }
    found
}
