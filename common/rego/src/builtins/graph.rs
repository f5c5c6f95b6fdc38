//! `graph.reachable`. Paths through a graph (`graph.reachable_paths`) can be exponentially many and aren't offered.

use std::collections::VecDeque;

use super::operands::{self, List, object};
use super::{Answer, Context, answer};
use crate::value::{Set, Value};

pub(super) fn reachable(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let graph = object(operands, 1)?;
    let initial = operands::list(operands, 2, &["{array, set}"])?;
    let mut queue: VecDeque<&Value> = initial.iter().collect();
    let mut reached = Set::default();
    while let Some(node) = queue.pop_front() {
        context.spend(16)?;
        let Some(edges) = graph.get(node) else { continue };
        if !reached.insert(node.clone()) {
            continue;
        }
        let neighbours = match edges {
            Value::Array(array) => List::Array(array),
            Value::Set(set) => List::Set(set),
            _ => continue,
        };
        queue.extend(neighbours.iter().filter(|neighbour| !reached.contains(neighbour)));
    }
    answer(reached)
}
