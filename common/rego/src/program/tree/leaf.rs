//! Rules whose heads are one and the same constant reference, such as `p[1] := x`: OPA evaluates them as a complete document,
//! with an index, an early exit and a memory of their own (`evalVirtualComplete`), while the planner knows only rules whose
//! reference is names as such. They become a function, and one call puts its value in its place.

use super::{Block, FOUND, Function, Kind, Last, Operand, RuleHead, Statement, block, put, statement};
use crate::program::index;
use crate::value::Value;

/// The function, and the block that calls it; the blocks once more where they aren't understood.
pub(super) fn function(
    around: &Function,
    head: &RuleHead,
    mut blocks: Vec<Block>,
    (result, returned): (i64, i64),
) -> Result<(Function, Block), Vec<Block>> {
    if !blocks
        .iter()
        .all(|block| gives(&block.statements, returned) == Some(true))
    {
        return Err(blocks);
    }
    let keys: Vec<&index::Key> = head.keys.iter().collect();
    let values = keys.iter().filter_map(|key| key.value.as_ref());
    let values: String = values.map(step).collect();
    let name: std::sync::Arc<str> = format!("{}{values}", around.name).into();
    let args = around.params.iter().map(|param| Operand::Local(*param));
    let call = statement(Kind::Call {
        function: name.clone(),
        args: args.collect(),
        result: FOUND,
    });
    let mut calling = vec![call];
    calling.extend(put(returned, &keys, Last::Value(FOUND)));
    for block in &mut blocks {
        give(&mut block.statements, result, returned);
    }
    let taken = || {
        let taken = vec![
            statement(Kind::IsDefined { source: result }),
            statement(Kind::AssignVarOnce {
                source: Operand::Local(result),
                target: returned,
            }),
        ];
        Block { statements: taken }
    };
    let mut own: Vec<Block> = blocks.into_iter().flat_map(|block| [block, taken()]).collect();
    own.push(Block {
        statements: vec![statement(Kind::ReturnLocal { source: returned })],
    });
    let leaf = Function {
        name,
        params: around.params.clone(),
        blocks: own,
        path: Vec::new(),
    };
    Ok((leaf, block(result, calling)))
}

/// A step of a reference, as OPA writes it.
fn step(key: &Value) -> String {
    let is_name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match key {
        Value::String(text) if is_name(text) => format!(".{text}"),
        other => format!("[{other:?}]"),
    }
}

/// Whether every place that adds to what is returned is understood; `None` where there is none.
fn gives(statements: &[Statement], returned: i64) -> Option<bool> {
    if adds(statements, returned) {
        return Some(place(statements, returned).is_some());
    }
    let within = statements.iter().flat_map(|statement| match &statement.kind {
        Kind::Block { blocks } => blocks.as_slice(),
        Kind::Scan { block, .. } | Kind::With { block, .. } => std::slice::from_ref(block),
        _ => &[],
    });
    let found: Vec<bool> = within
        .filter_map(|block| gives(&block.statements, returned))
        .collect();
    (!found.is_empty()).then(|| found.into_iter().all(|understood| understood))
}

/// Puts the rule's value where `AssignVarOnce` of a complete document puts it, in place of the way into the object.
fn give(statements: &mut Vec<Statement>, result: i64, returned: i64) {
    if !adds(statements, returned) {
        for statement in statements {
            match &mut statement.kind {
                Kind::Block { blocks } => blocks
                    .iter_mut()
                    .for_each(|block| give(&mut block.statements, result, returned)),
                Kind::Scan { block, .. } | Kind::With { block, .. } => {
                    give(&mut block.statements, result, returned);
                }
                _ => {}
            }
        }
        return;
    }
    let Some(Place { at, value, objects }) = place(statements, returned) else {
        return;
    };
    let location = statements.get(at).map(|last| last.location).unwrap_or_default();
    statements.truncate(at);
    statements.retain(|statement| found_or_made(statement).is_none_or(|(_, made)| !objects.contains(&made)));
    statements.push(Statement {
        kind: Kind::AssignVarOnce {
            source: value,
            target: result,
        },
        location,
    });
}

/// Where a rule puts its value.
struct Place {
    /// The statement.
    at: usize,
    value: Operand,
    /// The locals of the objects on the way, the one that is returned first.
    objects: Vec<i64>,
}

fn place(statements: &[Statement], returned: i64) -> Option<Place> {
    let mut objects = vec![returned];
    loop {
        let inner = *objects.last()?;
        let put = statements
            .iter()
            .enumerate()
            .find_map(|(at, statement)| match statement.kind {
                Kind::ObjectInsertOnce { value, object, .. } if object == inner => Some((at, value)),
                _ => None,
            });
        if let Some((at, value)) = put {
            return Some(Place { at, value, objects });
        }
        let next = statements
            .iter()
            .find_map(|statement| found_or_made(statement).filter(|(from, _)| *from == inner))?;
        if objects.contains(&next.1) {
            return None;
        }
        objects.push(next.1);
    }
}

/// Whether statements add to a collection themselves: a value, or an object that is found or made in it.
fn adds(statements: &[Statement], to: i64) -> bool {
    statements.iter().any(|statement| match &statement.kind {
        Kind::ObjectInsertOnce { object, .. } => *object == to,
        _ => found_or_made(statement).is_some_and(|(from, _)| from == to),
    })
}

/// The object that another is looked up in, and that one, which is made where there is none.
fn found_or_made(statement: &Statement) -> Option<(i64, i64)> {
    let Kind::Block { blocks } = &statement.kind else {
        return None;
    };
    let [outer] = blocks.as_slice() else { return None };
    let Kind::Block { blocks } = &outer.statements.first()?.kind else {
        return None;
    };
    let [inner] = blocks.as_slice() else { return None };
    match (&inner.statements.first()?.kind, &outer.statements.last()?.kind) {
        (
            Kind::Dot {
                source: Operand::Local(from),
                target,
                ..
            },
            Kind::MakeObject { target: made },
        ) if target == made => Some((*from, *made)),
        _ => None,
    }
}
