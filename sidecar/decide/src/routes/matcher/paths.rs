//! Which routes a path leaves: a tree of segments, walked along the path. A node is met at most once, and only where a
//! pattern goes on that way.

use std::collections::HashMap;

use super::super::conditions::Conditions;
use super::super::path_pattern::{PathPattern, Segment, Tail};
use super::RouteSet;

#[derive(Debug)]
pub(super) struct Paths {
    /// Routes that don't ask.
    unasked: RouteSet,
    /// The first is the root.
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    literal: HashMap<Box<str>, usize>,
    any: Option<usize>,
    /// Routes that mean paths which end here.
    end: RouteSet,
    /// Routes that mean whatever goes on from here.
    below: RouteSet,
}

impl Paths {
    pub(super) fn new<'c>(all: impl Iterator<Item = (u16, &'c Conditions)>) -> Self {
        let mut paths = Self {
            unasked: RouteSet::default(),
            nodes: vec![Node::default()],
        };
        for (index, conditions) in all {
            match &conditions.path {
                None => paths.unasked.insert(index),
                Some(pattern) => paths.insert(index, pattern),
            }
        }
        paths
    }

    fn insert(&mut self, index: u16, pattern: &PathPattern) {
        let mut at = 0;
        for segment in pattern.segments() {
            at = self.child(at, segment);
        }
        if let Some(node) = self.nodes.get_mut(at) {
            if matches!(pattern.tail(), Tail::End | Tail::EndOrBelow) {
                node.end.insert(index);
            }
            if matches!(pattern.tail(), Tail::Below | Tail::EndOrBelow) {
                node.below.insert(index);
            }
        }
    }

    fn child(&mut self, at: usize, segment: &Segment) -> usize {
        let next = self.nodes.len();
        let child = self.nodes.get_mut(at).map_or(next, |node| match segment {
            Segment::Any => *node.any.get_or_insert(next),
            Segment::Literal(name) => *node.literal.entry(name.clone()).or_insert(next),
        });
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }

    pub(super) fn met(&self, path: &str, met: &mut [u64]) {
        self.unasked.add_to(met);
        self.walk(0, path.strip_prefix('/'), met);
    }

    /// `rest` is what comes after the next slash; `None` at the path's end. Goes no deeper than the longest pattern.
    fn walk(&self, at: usize, rest: Option<&str>, met: &mut [u64]) {
        let Some(node) = self.nodes.get(at) else { return };
        let Some(rest) = rest else {
            node.end.add_to(met);
            return;
        };
        node.below.add_to(met);
        let (segment, rest) = match rest.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (rest, None),
        };
        if let Some(&child) = node.literal.get(segment) {
            self.walk(child, rest, met);
        }
        if let Some(child) = node.any.filter(|_| !segment.is_empty()) {
            self.walk(child, rest, met);
        }
    }
}
