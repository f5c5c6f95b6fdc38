//! Which keys the rules of a partial set or object give, as far as that is known before they are visited: where one key
//! is asked for, OPA visits only the rules that could give it, and each only as far as it does.

use super::pattern::{Makers, Pattern};
use super::shape::{Made, Rules};
use crate::plan::{Block, Function, Kind, Operand, Statement};
use crate::program::op::Collection;

/// How many parameters are the world: `input` and `data`.
pub(super) const WORLD: usize = 2;

/// The keys that a rule gives, outermost first, or its one value. Where it goes over several documents of the policy it stands
/// in the plan once for each, and there are so many lists.
pub(in crate::program) type Keys<'p> = Vec<Vec<Pattern<'p>>>;

/// The keys of each rule of a function, and how many there are at most; `None` where keys can't be asked for.
pub(in crate::program) fn keys<'p>(rules: &Rules<'p>) -> Option<(Vec<Keys<'p>>, usize)> {
    if rules.made == Made::Value {
        return None;
    }
    let keys: Vec<Keys<'p>> = rules
        .groups
        .iter()
        .map(|group| match group.branches.as_slice() {
            [block] => keys_of(block, rules.returned),
            _ => Keys::new(),
        })
        .collect();
    let most = keys
        .iter()
        .flatten()
        .map(Vec::len)
        .max()
        .filter(|most| *most > 0)?;
    Some((keys, most))
}

/// The values of each rule of a function with arguments, those of `else` chains and the default rule after the others; `None` of
/// what isn't one.
pub(in crate::program) fn values<'p>(function: &'p Function, rules: &Rules<'p>) -> Option<Vec<Keys<'p>>> {
    let params = function.params.get(WORLD..).filter(|params| !params.is_empty())?;
    if rules.made != Made::Value {
        return None;
    }
    let branches = rules.groups.iter().flat_map(|group| &group.branches);
    let mut values: Vec<Keys<'p>> = branches
        .map(|block| values_of(block, rules.result, params))
        .collect();
    if let [default, _] = rules.rest {
        values.push(values_of(default, rules.returned, params));
    }
    Some(values)
}

fn values_of<'p>(block: &'p Block, result: i64, params: &'p [i64]) -> Keys<'p> {
    let makers = Makers::of(block, params);
    let mut found = Keys::new();
    let mut open = vec![block];
    while let Some(block) = open.pop() {
        for statement in &block.statements {
            match &statement.kind {
                Kind::AssignVarOnce { source, target } if *target == result => {
                    found.push(vec![makers.pattern(*source)]);
                }
                Kind::Block { blocks } => open.extend(blocks),
                Kind::Scan { block, .. } | Kind::With { block, .. } => open.push(block),
                _ => {}
            }
        }
    }
    found
}

/// The keys of every place that adds to a collection, the one that the function returns; none where one of them isn't
/// understood to its end.
fn keys_of(block: &Block, returned: i64) -> Keys<'_> {
    let mut found = Vec::new();
    if places(&block.statements, returned, &mut found).is_none() {
        return Keys::new();
    }
    let makers = Makers::of(block, &[]);
    let patterns = |keys: Vec<Operand>| keys.into_iter().map(|key| makers.pattern(key)).collect();
    found.into_iter().map(patterns).collect()
}

fn places(statements: &[Statement], returned: i64, found: &mut Vec<Vec<Operand>>) -> Option<()> {
    if adds_here(statements, returned) {
        found.push(path(statements, returned)?);
        return Some(());
    }
    for statement in statements {
        match &statement.kind {
            Kind::Block { blocks } => {
                for block in blocks {
                    places(&block.statements, returned, found)?;
                }
            }
            Kind::Scan { block, .. } | Kind::With { block, .. } => {
                places(&block.statements, returned, found)?;
            }
            _ => {}
        }
    }
    Some(())
}

/// Follows the collections that a rule adds to, from the outermost.
fn path(statements: &[Statement], mut at: i64) -> Option<Vec<Operand>> {
    let mut keys = Vec::new();
    loop {
        let (key, inner) = added(statements, at)?;
        keys.push(key);
        match inner {
            Some(inner) => at = inner,
            None => return Some(keys),
        }
    }
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

/// Whether statements add to a collection themselves: at once, or to one within, which they put into it afterwards.
fn adds_here(statements: &[Statement], to: i64) -> bool {
    statements.iter().any(|statement| match &statement.kind {
        Kind::SetAdd { set: object, .. }
        | Kind::ObjectInsertOnce { object, .. }
        | Kind::ObjectInsert { object, .. } => *object == to,
        _ => false,
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

/// The local that a collection is made in, and its kind.
pub(in crate::program) fn collection(kind: &Kind) -> Option<(i64, Collection)> {
    match kind {
        Kind::MakeArray { target, .. } => Some((*target, Collection::Array)),
        Kind::MakeSet { target } => Some((*target, Collection::Set)),
        Kind::MakeObject { target } => Some((*target, Collection::Object)),
        _ => None,
    }
}

/// The variable that a collection becomes, of which `after` comes after what makes it.
pub(in crate::program) fn becomes(made: i64, after: &[Statement]) -> Option<i64> {
    after.iter().find_map(|statement| match statement.kind {
        Kind::AssignVar {
            source: Operand::Local(source),
            target,
        } if source == made => Some(target),
        _ => None,
    })
}
