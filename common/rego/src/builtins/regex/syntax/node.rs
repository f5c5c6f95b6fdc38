//! A part of a pattern, and how large it is.

use regex_syntax::hir::{Capture, Hir};

use super::{MAX_DEPTH, MAX_SIZE, Parse, Refusal};

/// A part that was read, and what Go's bounds are about.
pub(super) struct Node {
    pub(super) hir: Hir,
    /// How often the innermost of it is repeated at most.
    pub(super) repeats: u64,
    pub(super) depth: usize,
    pub(super) size: u64,
}

impl Node {
    pub(super) fn leaf(hir: Hir) -> Self {
        Node {
            hir,
            repeats: 1,
            depth: 1,
            size: 1,
        }
    }

    pub(super) fn bounded(mut self) -> Parse<Self> {
        self.size = self.size.max(1);
        if self.depth > MAX_DEPTH {
            Err(Refusal::Bound("nests deeper than 200"))
        } else if self.size > MAX_SIZE {
            Err(Refusal::Bound("too large"))
        } else {
            Ok(self)
        }
    }

    /// Several parts as one.
    pub(super) fn of(nodes: Vec<Node>, make: fn(Vec<Hir>) -> Hir, joints: u64) -> Parse<Node> {
        let size = nodes.iter().map(|node| node.size).sum::<u64>();
        Node {
            repeats: nodes.iter().map(|node| node.repeats).max().unwrap_or(1),
            depth: nodes.iter().map(|node| node.depth).max().unwrap_or(0),
            size: size.saturating_add(joints),
            hir: make(nodes.into_iter().map(|node| node.hir).collect()),
        }
        .bounded()
    }

    pub(super) fn captured(self, index: u32) -> Node {
        Node {
            hir: Hir::capture(Capture {
                index,
                name: None,
                sub: Box::new(self.hir),
            }),
            depth: self.depth + 1,
            size: self.size.saturating_add(2),
            ..self
        }
    }
}
