//! Where the value of a local variable may come from: which parts of `input` and `data`, or from elsewhere. Says nothing of
//! which of them it is at a moment.

use super::tree::{Node, Tree};

/// Beyond so many parts they are all read whole and no longer followed.
const MAX_PARTS: usize = 16;

/// Where a value may come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origins {
    /// Parts of the documents, in order, that aren't known to be read whole anyway.
    parts: Vec<Node>,
    /// Whether it may be anything else: made by the evaluation, or of a part that is read whole.
    elsewhere: bool,
}

impl Origins {
    pub(super) fn part(node: Node) -> Self {
        Origins {
            parts: vec![node],
            elsewhere: false,
        }
    }

    pub(super) fn elsewhere() -> Self {
        Origins {
            parts: Vec::new(),
            elsewhere: true,
        }
    }

    /// Whether it can be one value only: one part, or nothing of the document at all.
    pub(super) fn is_settled(&self) -> bool {
        match self.parts.as_slice() {
            [] => true,
            [_] => !self.elsewhere,
            _ => false,
        }
    }

    /// Whether `other` names each of these too.
    pub(super) fn is_within(&self, other: &Origins) -> bool {
        self.elsewhere <= other.elsewhere && self.parts.iter().all(|node| other.parts.contains(node))
    }

    /// Takes in where another value may come from; says whether that was new.
    pub(super) fn join(&mut self, other: &Origins, tree: &mut Tree) -> bool {
        let mut grew = other.elsewhere && !self.elsewhere;
        self.elsewhere |= other.elsewhere;
        for node in &other.parts {
            if let Err(at) = self.parts.binary_search(node) {
                if self.parts.len() < MAX_PARTS {
                    self.parts.insert(at, *node);
                    grew = true;
                } else {
                    tree.read_whole(*node);
                    grew |= !self.elsewhere;
                    self.elsewhere = true;
                }
            }
        }
        grew
    }

    /// Where the value's member of that name may come from.
    pub(super) fn member(&self, name: &std::sync::Arc<str>, tree: &mut Tree) -> Origins {
        let mut member = Origins {
            parts: Vec::new(),
            elsewhere: self.elsewhere,
        };
        for node in &self.parts {
            match tree.member(*node, name) {
                Some(part) => {
                    let _ = member.join(&Origins::part(part), tree);
                }
                None => member.elsewhere = true,
            }
        }
        member
    }

    /// All of the value may be read.
    pub(super) fn read_whole(&self, tree: &mut Tree) {
        for node in &self.parts {
            tree.read_whole(*node);
        }
    }
}
