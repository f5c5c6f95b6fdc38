//! Two rules of which one gives a value where the other gives members: they conflict in OPA, also where the value is an object
//! (`evalVirtualPartial.reduce`, `hasCollisions`); the plan would put the members into it.

use super::{Block, FOUND, Kind, Operand, PATH, Rule, RuleHead, Statement, VISITED, statement};

/// How many keys the rules have, shortest first.
pub(super) fn lengths(rules: &[Rule<'_>]) -> Vec<usize> {
    let mut lengths: Vec<usize> = rules.iter().map(|rule| rule.head.keys.len()).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

/// Whether a rule may give a value where one after it gives members.
pub(super) fn may(rules: &[Rule<'_>], order: &[usize]) -> bool {
    if lengths(rules).len() < 2 {
        return false;
    }
    let length = |at: &usize| rules.get(*at).map_or(0, |rule| rule.head.keys.len());
    let mut shortest = usize::MAX;
    order.iter().any(|rule| {
        let own = length(rule);
        let longer = own > shortest;
        shortest = shortest.min(own);
        longer
    })
}

/// Lets a rule note the place that it gives a value at, and fail where another gave one at a place above.
pub(super) fn note(statements: &mut Vec<Statement>, head: &RuleHead, lengths: &[usize]) {
    let Some((list, at)) = last(statements, head.last) else {
        return;
    };
    let mut added = Vec::new();
    let own = head.keys.len();
    for length in lengths.iter().copied().filter(|length| *length < own) {
        let mut check = path(head, length);
        let operand = Operand::Local(PATH);
        check.push(statement(Kind::Dot {
            source: Operand::Local(VISITED),
            key: operand,
            target: FOUND,
        }));
        check.push(statement(Kind::ObjectInsertOnce {
            key: operand,
            value: Operand::Bool(false),
            object: VISITED,
        }));
        let blocks = vec![Block { statements: check }];
        added.push(statement(Kind::Block { blocks }));
    }
    added.extend(path(head, own));
    added.push(statement(Kind::ObjectInsert {
        key: Operand::Local(PATH),
        value: Operand::Bool(true),
        object: VISITED,
    }));
    list.splice(at..at, added);
}

/// Makes an array of a rule's first keys.
fn path(head: &RuleHead, keys: usize) -> Vec<Statement> {
    let made = Kind::MakeArray {
        capacity: 0,
        target: PATH,
    };
    let keys = head.keys.iter().take(keys).map(|key| Kind::ArrayAppend {
        value: key.operand,
        array: PATH,
    });
    std::iter::once(made).chain(keys).map(statement).collect()
}

/// The statement that adds to a collection, and those around it.
fn last(statements: &mut Vec<Statement>, to: i64) -> Option<(&mut Vec<Statement>, usize)> {
    let adds = |statement: &Statement| match &statement.kind {
        Kind::SetAdd { set, .. } => *set == to,
        Kind::ObjectInsertOnce { object, .. } => *object == to,
        _ => false,
    };
    if let Some(at) = statements.iter().position(adds) {
        return Some((statements, at));
    }
    statements
        .iter_mut()
        .find_map(|statement| match &mut statement.kind {
            Kind::Block { blocks } => blocks
                .iter_mut()
                .find_map(|block| last(&mut block.statements, to)),
            Kind::Scan { block, .. } | Kind::With { block, .. } => last(&mut block.statements, to),
            _ => None,
        })
}
