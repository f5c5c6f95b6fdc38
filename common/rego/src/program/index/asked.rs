//! Which keys and results calls ask for, as far as the plan's next statements tell: OPA binds what is asked for before it visits a
//! rule.

use std::sync::Arc;

use super::keys::{WORLD, keys, values};
use super::shape;
use crate::hash::{HashMap, HashSet};
use crate::plan::{Block, Function, Kind, Operand, Plan, Statement};
use crate::program::body::MOST_KEYS;
use crate::program::live::reads_once;

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
