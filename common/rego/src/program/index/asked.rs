//! Which keys the rules of a partial set or object give, as far as that is known before they are visited: where one key
//! is asked for, OPA visits only the rules that could give it, and each only as far as it does.

use std::sync::Arc;

use super::pattern::{Makers, Pattern};
use super::shape::{self, Made, Rules};
use crate::hash::{HashMap, HashSet};
use crate::plan::{Block, Function, Kind, Operand, Plan, Statement};
use crate::program::body::MOST_KEYS;
use crate::program::live::reads_once;
use crate::program::op::Collection;

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

/// A call of which only some of the result is looked up, right after it.
pub(in crate::program) struct Asking<'p> {
    pub(in crate::program) keys: Vec<Operand>,
    /// What makes the keys.
    pub(in crate::program) makes: Vec<&'p Kind>,
    pub(in crate::program) dots: Vec<&'p Statement>,
}

impl Asking<'_> {
    /// How many statements after the call it takes.
    pub(in crate::program) fn len(&self) -> usize {
        self.makes.len() + self.dots.len()
    }

    /// Where what was looked up is, in a call's result or that itself.
    pub(in crate::program) fn found(&self, result: i64) -> i64 {
        match self.dots.last().map(|last| &last.kind) {
            Some(Kind::Dot { target, .. }) => *target,
            _ => result,
        }
    }
}

/// Whether a statement makes a key out of what is there.
pub(super) fn is_made(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::MakeNumberRef { .. }
            | Kind::MakeNumberInt { .. }
            | Kind::MakeNull { .. }
            | Kind::MakeArray { .. }
            | Kind::MakeSet { .. }
            | Kind::MakeObject { .. }
            | Kind::ArrayAppend { .. }
            | Kind::SetAdd { .. }
            | Kind::ObjectInsert { .. }
    )
}

/// What is looked up in a call's result by the statements after it.
pub(in crate::program) fn asking(result: i64, after: &[Statement]) -> Asking<'_> {
    let mut asking = Asking {
        keys: Vec::new(),
        makes: Vec::new(),
        dots: Vec::new(),
    };
    let mut makes = Vec::new();
    let mut at = result;
    for statement in after {
        match &statement.kind {
            kind if is_made(kind) => makes.push(kind),
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

/// The variable that an iteration's key becomes first of all.
pub(in crate::program) fn taken_key(key: i64, block: &Block) -> Option<i64> {
    match block.statements.first()?.kind {
        Kind::AssignVar {
            source: Operand::Local(source),
            target,
        } if source == key => Some(target),
        _ => None,
    }
}

/// A key that is looked up where a call's result was already looked into.
pub(in crate::program) enum FurtherKey {
    /// Known before the call.
    Known(Operand),
    /// What a variable is to be, which the iteration over the keys gives a value.
    Taken(i64),
}

/// What is looked up behind what a call is asked for, through iterations of which only one element is asked for.
#[derive(Default)]
pub(in crate::program) struct Further<'p> {
    pub(in crate::program) keys: Vec<FurtherKey>,
    /// What makes the keys.
    pub(in crate::program) makes: Vec<&'p Kind>,
}

/// What the statements look up in a local; `is_asked` says of which variables one value is asked for.
pub(in crate::program) fn further<'p>(
    mut at: i64,
    mut statements: &'p [Statement],
    is_asked: impl Fn(i64) -> bool,
) -> Further<'p> {
    let mut further = Further::default();
    let mut makes = Vec::new();
    // The locals that get their values on the way.
    let mut taken: Vec<(i64, i64)> = Vec::new();
    while further.keys.len() < MOST_KEYS && reads_once(statements, at) {
        let made = statements
            .iter()
            .take_while(|statement| is_constant(&statement.kind));
        let count = made.clone().count();
        makes.extend(made.map(|statement| &statement.kind));
        let Some((step, rest)) = statements.get(count..).and_then(<[Statement]>::split_first) else {
            break;
        };
        match &step.kind {
            Kind::Dot {
                source: Operand::Local(source),
                key,
                target,
            } if *source == at => {
                let of_iteration = match key {
                    Operand::Local(key) => taken.iter().find(|(own, _)| own == key),
                    Operand::String(_) | Operand::Bool(_) => None,
                };
                further.keys.push(match of_iteration {
                    Some((_, var)) => FurtherKey::Taken(*var),
                    None => FurtherKey::Known(*key),
                });
                further.makes.append(&mut makes);
                (at, statements) = (*target, rest);
            }
            Kind::Scan {
                source,
                key,
                value,
                block,
            } if *source == at => {
                let Some(var) = taken_key(*key, block).filter(|var| is_asked(*var)) else {
                    break;
                };
                taken.extend([(*key, var), (var, var)]);
                further.keys.push(FurtherKey::Taken(var));
                further.makes.append(&mut makes);
                (at, statements) = (*value, block.statements.get(1..).unwrap_or_default());
            }
            _ => break,
        }
    }
    further
}

/// Whether a statement makes a constant, which may be made before its place.
fn is_constant(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::MakeNumberRef { .. } | Kind::MakeNumberInt { .. } | Kind::MakeNull { .. }
    )
}

/// Whether the statement after a call iterates over its result for the sake of the keys.
fn scans(result: i64, after: &[Statement]) -> bool {
    match after.first().map(|next| &next.kind) {
        Some(Kind::Scan {
            source, key, block, ..
        }) => *source == result && taken_key(*key, block).is_some(),
        _ => false,
    }
}

/// How many parameters are the world: `input` and `data`.
const WORLD: usize = 2;

/// What the statements after a call compare its result with before they do anything else: what is compared is there before the
/// call, and OPA's evaluator puts it beside the values of the function's rules (`evalFunc`).
pub(in crate::program) enum Compared<'p> {
    /// A variable gets the result.
    Becomes(i64),
    /// What is equal, and what makes it.
    Equals { makes: Vec<&'p Kind>, with: Operand },
}

/// See [`Compared`].
pub(in crate::program) fn compared(result: i64, after: &[Statement]) -> Option<Compared<'_>> {
    let mut makes = Vec::new();
    for statement in after {
        match &statement.kind {
            Kind::AssignVar {
                source: Operand::Local(source),
                target,
            } if *source == result && makes.is_empty() => return Some(Compared::Becomes(*target)),
            Kind::Equal {
                a: Operand::Local(a),
                b,
            } if *a == result => return Some(Compared::Equals { makes, with: *b }),
            kind if is_made(kind) => makes.push(kind),
            _ => return None,
        }
    }
    None
}

/// The functions with arguments of whose results one is asked for, beginning at rules of which keys are.
pub(in crate::program) fn asked_results(plan: &Plan, asked: &HashSet<Arc<str>>) -> HashSet<Arc<str>> {
    let by_name: HashMap<&str, &Function> = plan
        .functions
        .iter()
        .map(|function| (&*function.name, function))
        .collect();
    let mut found: HashSet<Arc<str>> = HashSet::default();
    let mut open: Vec<&Function> = plan
        .functions
        .iter()
        .filter(|function| asked.contains(&function.name))
        .collect();
    let mut add = |name: &Arc<str>, open: &mut Vec<_>| {
        if let Some(function) = by_name.get(&**name)
            && function.params.len() > WORLD
            && found.insert(Arc::clone(name))
        {
            open.push(*function);
        }
    };
    let functions = plan.functions.iter().flat_map(|function| &function.blocks);
    let entrypoints = plan.entrypoints.iter().flat_map(|entrypoint| &entrypoint.blocks);
    for block in functions.chain(entrypoints) {
        calls(block, &mut |name, compared| {
            if matches!(compared, Compared::Equals { .. }) {
                add(name, &mut open);
            }
        });
    }
    while let Some(function) = open.pop() {
        let Some(rules) = shape::rules(function) else {
            continue;
        };
        let patterns = match keys(&rules) {
            Some((keys, _)) => keys,
            None => values(function, &rules).unwrap_or_default(),
        };
        let branches = rules
            .groups
            .iter()
            .flat_map(|group| group.branches.iter().copied());
        for (block, own) in branches.chain(rules.rest).zip(&patterns) {
            let mut variables = HashSet::default();
            for pattern in own.iter().flatten() {
                pattern.each_var(&mut |var| {
                    variables.insert(var);
                });
            }
            calls(block, &mut |name, compared| {
                if matches!(compared, Compared::Becomes(var) if variables.contains(&var)) {
                    add(name, &mut open);
                }
            });
        }
    }
    found
}

/// Calls `see` with the functions whose results are compared at once, and with what.
fn calls<'p>(block: &'p Block, see: &mut impl FnMut(&'p Arc<str>, Compared<'p>)) {
    let mut open = vec![block];
    while let Some(block) = open.pop() {
        for (statement, at) in block.statements.iter().zip(1..) {
            match &statement.kind {
                Kind::Call { function, result, .. } => {
                    let after = block.statements.get(at..).unwrap_or_default();
                    if let Some(compared) = compared(*result, after) {
                        see(function, compared);
                    }
                }
                Kind::Block { blocks } => open.extend(blocks),
                Kind::Not { block } | Kind::Scan { block, .. } | Kind::With { block, .. } => open.push(block),
                _ => {}
            }
        }
    }
}

/// The functions of which a key is asked somewhere.
pub(in crate::program) fn asked(plan: &Plan) -> HashSet<Arc<str>> {
    let mut found = HashSet::default();
    let functions = plan.functions.iter().flat_map(|function| &function.blocks);
    let entrypoints = plan.entrypoints.iter().flat_map(|entrypoint| &entrypoint.blocks);
    let mut open: Vec<&Block> = functions.chain(entrypoints).collect();
    while let Some(block) = open.pop() {
        for (statement, at) in block.statements.iter().zip(1..) {
            match &statement.kind {
                Kind::Call { function, result, .. } => {
                    let after = block.statements.get(at..).unwrap_or_default();
                    if !asking(*result, after).keys.is_empty() || scans(*result, after) {
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
