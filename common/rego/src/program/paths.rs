//! Which function a dynamic call reaches: a tree of the functions' paths.

use std::sync::Arc;

use crate::hash::HashMap;
use crate::value::Value;

/// The functions that have a path.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) children: HashMap<Arc<str>, usize>,
    pub(super) function: Option<u32>,
}

impl Paths {
    /// Adds a function; `false` if its path is taken.
    pub(super) fn add(&mut self, path: &[Arc<str>], function: u32) -> bool {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for name in path {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else {
                return false;
            };
            at = *node.children.entry(name.clone()).or_insert(next);
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        match self.nodes.get_mut(at) {
            Some(node) if node.function.is_none() => {
                node.function = Some(function);
                true
            }
            _ => false,
        }
    }

    /// The function at exactly this path.
    pub(crate) fn find<'a>(&self, path: impl Iterator<Item = Option<&'a Value>>) -> Option<u32> {
        let mut node = self.nodes.first()?;
        for name in path {
            let next = node.children.get(name?.as_str()?)?;
            node = self.nodes.get(*next)?;
        }
        node.function
    }
}
