//! Which routes the context leaves: those of which every name and value is there. A tree of pairs in the order of their
//! names; a node is met when all pairs on the way to it are there.

use std::collections::HashMap;

use super::super::conditions::Conditions;
use super::RouteSet;

#[derive(Debug)]
pub(super) struct Contexts {
    /// The first is the root: routes that don't ask are met there.
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// By name, then by value.
    next: HashMap<Box<str>, HashMap<Box<str>, usize>>,
    /// Routes that ask no further.
    met: RouteSet,
}

impl Contexts {
    pub(super) fn new<'c>(all: impl Iterator<Item = (u16, &'c Conditions)>) -> Self {
        let mut contexts = Self {
            nodes: vec![Node::default()],
        };
        for (index, conditions) in all {
            let mut pairs: Vec<_> = conditions.context_extensions.iter().collect();
            pairs.sort();
            let at = pairs
                .into_iter()
                .fold(0, |at, (name, value)| contexts.child(at, name, value));
            if let Some(node) = contexts.nodes.get_mut(at) {
                node.met.insert(index);
            }
        }
        contexts
    }

    fn child(&mut self, at: usize, name: &str, value: &str) -> usize {
        let next = self.nodes.len();
        let child = self.nodes.get_mut(at).map_or(next, |node| {
            let values = node.next.entry(Box::from(name)).or_default();
            *values.entry(Box::from(value)).or_insert(next)
        });
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }

    pub(super) fn met(&self, context: &[(&str, &str)], met: &mut [u64]) {
        self.walk(0, context, met);
    }

    fn walk(&self, at: usize, context: &[(&str, &str)], met: &mut [u64]) {
        let Some(node) = self.nodes.get(at) else { return };
        node.met.add_to(met);
        if node.next.is_empty() {
            return;
        }
        for (name, value) in context {
            if let Some(&child) = node.next.get(*name).and_then(|values| values.get(*value)) {
                self.walk(child, context, met);
            }
        }
    }
}
