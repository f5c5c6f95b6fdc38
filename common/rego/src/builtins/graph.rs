//! `graph.reachable` and `graph.reachable_paths`. Of paths there can be exponentially many: each costs statements.

use std::collections::{BTreeSet, VecDeque};

use super::operands::{self, List, object};
use super::{Answer, BuiltinError, Context, answer};
use crate::value::{Object, Set, Value};

pub(super) fn reachable(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let graph = object(operands, 1)?;
    let initial = operands::list(operands, 2, &["{array, set}"])?;
    context.make(initial.len())?;
    let mut queue: VecDeque<&Value> = initial.iter().collect();
    let mut reached = Set::default();
    while let Some(node) = queue.pop_front() {
        context.spend(16)?;
        context.spend_on_search(node)?;
        let Some(edges) = graph.get(node) else { continue };
        if !reached.insert(node.clone()) {
            continue;
        }
        let Some(neighbours) = neighbours(edges) else {
            continue;
        };
        context.make(neighbours.len())?;
        context.spend_on_weight(edges.weight().saturating_mul(8))?;
        queue.extend(neighbours.iter().filter(|neighbour| !reached.contains(neighbour)));
    }
    answer(reached)
}

pub(super) fn reachable_paths(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let graph = object(operands, 1)?;
    let initial = operands::list(operands, 2, &["{array, set}"])?;
    let mut paths = Set::default();
    for node in initial.iter() {
        context.spend(16)?;
        context.spend_on_search(node)?;
        let Some(edges) = graph.get(node) else { continue };
        match neighbours_of(edges) {
            None => {
                paths.insert(Value::from(vec![node.clone()]));
            }
            Some(neighbours) => follow(context, graph, (node, neighbours), &mut paths)?,
        }
    }
    answer(paths)
}

/// Adds all paths that begin with a node, depth first, without recursion: a path is as long as the graph allows.
fn follow<'a>(
    context: &mut Context<'_>,
    graph: &'a Object,
    (node, edges): (&'a Value, List<'a>),
    paths: &mut Set,
) -> Result<(), BuiltinError> {
    let mut path: Vec<&Value> = vec![node];
    let mut on_path: BTreeSet<&Value> = BTreeSet::from([node]);
    // With each node's edges, whether leaving it takes it off the path.
    let mut open = vec![(edges.iter(), true)];
    while let Some((neighbours, is_new)) = open.last_mut() {
        context.spend(16)?;
        let Some(next) = neighbours.next() else {
            let left = path.pop().filter(|_| *is_new);
            left.map(|left| on_path.remove(left));
            open.pop();
            continue;
        };
        context.spend_on_search(next)?;
        // OPA doesn't look whether an edge of the first node leads back to it.
        if open.len() > 1 && on_path.contains(next) {
            commit(context, &path, None, paths)?;
            continue;
        }
        let Some(edges) = graph.get(next) else {
            // What the graph doesn't have is no part of the path.
            commit(context, &path, None, paths)?;
            continue;
        };
        match neighbours_of(edges) {
            None => commit(context, &path, Some(next), paths)?,
            Some(edges) => {
                path.push(next);
                let is_new = on_path.insert(next);
                open.push((edges.iter(), is_new));
            }
        }
    }
    Ok(())
}

fn commit(
    context: &mut Context<'_>,
    path: &[&Value],
    last: Option<&Value>,
    paths: &mut Set,
) -> Result<(), BuiltinError> {
    // Finding its place among the others compares it with some.
    context.spend(path.len().saturating_mul(16).saturating_add(64))?;
    let weight = path
        .iter()
        .fold(0_u64, |sum, node| sum.saturating_add(node.weight()));
    context.spend_on_weight(weight)?;
    context.build(path.len().saturating_mul(32).saturating_add(256))?;
    let nodes: Vec<Value> = path.iter().copied().chain(last).cloned().collect();
    paths.insert(Value::from(nodes));
    Ok(())
}

/// Where edges lead, if they do.
fn neighbours_of(edges: &Value) -> Option<List<'_>> {
    neighbours(edges).filter(|neighbours| neighbours.len() > 0)
}

/// A node's edges, which are an array or a set.
fn neighbours(edges: &Value) -> Option<List<'_>> {
    match edges {
        Value::Array(array) => Some(List::Array(array)),
        Value::Set(set) => Some(List::Set(set)),
        _ => None,
    }
}
