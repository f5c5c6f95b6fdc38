//! The parts of `input` and `data` that an analysis has met so far: two trees of names, in which a part may be marked as
//! read whole. Bounded in size and depth, so that no plan can make it grow: beyond the bound, a part is read whole.

use crate::hash::HashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Reads;

/// A part of the document.
pub(super) type Node = u32;

/// `input` and the base document.
pub(super) const INPUT: Node = 0;
pub(super) const DATA: Node = 1;

/// So many parts are told apart.
const MAX_NODES: usize = 8192;
/// So deep.
const MAX_DEPTH: u32 = 32;

/// The parts met so far.
pub(super) struct Tree {
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    members: HashMap<Arc<str>, Node>,
    depth: u32,
    whole: bool,
}

impl Tree {
    pub(super) fn new() -> Self {
        Tree {
            parts: vec![Part::default(), Part::default()],
        }
    }

    /// The member of a part, which is thereby asked for. `None` where it can't be told apart from what is around it:
    /// then that is read whole.
    pub(super) fn member(&mut self, of: Node, name: &Arc<str>) -> Option<Node> {
        let next = Node::try_from(self.parts.len()).ok()?;
        let full = self.parts.len() >= MAX_NODES;
        let part = self.parts.get_mut(of as usize)?;
        if part.whole {
            return None;
        }
        if let Some(known) = part.members.get(name) {
            return Some(*known);
        }
        if full || part.depth >= MAX_DEPTH {
            part.whole = true;
            return None;
        }
        part.members.insert(Arc::clone(name), next);
        let depth = part.depth + 1;
        self.parts.push(Part {
            depth,
            ..Part::default()
        });
        Some(next)
    }

    /// All of this part may be read.
    pub(super) fn read_whole(&mut self, node: Node) {
        if let Some(part) = self.parts.get_mut(node as usize) {
            part.whole = true;
        }
    }

    /// What has come together of a part. Recurses as deep as the tree is, which is bounded.
    pub(super) fn reads_of(&self, node: Node) -> Reads {
        match self.parts.get(node as usize) {
            Some(part) if !part.whole => {
                let members: BTreeMap<_, _> = part
                    .members
                    .iter()
                    .map(|(name, node)| (Arc::clone(name), self.reads_of(*node)))
                    .collect();
                Reads::Members(members)
            }
            _ => Reads::All,
        }
    }
}
