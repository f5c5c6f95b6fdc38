//! Ordered entries for sets and objects: one sorted vector while there are few, a B+tree of shared nodes beyond.
//! A clone shares all nodes, and an insertion copies at most the nodes on its path, so that changing one entry of a
//! large shared document never copies the document. Knows nothing of what the entries mean.

mod removal;

use std::cmp::Ordering;
use std::sync::Arc;

use super::Value;

/// How many entries a leaf, or children a branch, may have before it splits.
const CAPACITY: usize = 64;

/// Up to so many entries it is quicker to look at all.
const FEW: usize = 16;

/// What a tree holds: something with a key that orders it.
pub(super) trait Entry: Clone {
    /// What the entry is found by.
    fn key(&self) -> &Value;
    /// Takes over what `later`, an entry with an equal key, brings. Gives the weight of what is lost.
    fn replace(&mut self, later: Self) -> u64;
}

/// Entries in the order of their keys, each key once.
#[derive(Clone)]
pub(super) struct Tree<E> {
    root: Node<E>,
}

#[derive(Clone)]
enum Node<E> {
    Leaf(Vec<E>),
    Branch(Branch<E>),
}

#[derive(Clone)]
struct Branch<E> {
    /// How many entries are below.
    len: usize,
    children: Vec<Child<E>>,
}

#[derive(Clone)]
struct Child<E> {
    /// The lowest key below.
    lowest: Value,
    len: usize,
    node: Arc<Node<E>>,
}

/// What an insertion took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    /// Whether there was nothing under the key before.
    pub(crate) is_new: bool,
    /// How many entries and children of nodes were copied, since others share them.
    pub(crate) copied: usize,
}

/// What an insertion did to the whole.
pub(super) struct Outcome {
    /// The weight of what was lost when the key was there already.
    pub(super) replaced: Option<u64>,
    copied: usize,
}

impl Outcome {
    pub(super) fn change(&self) -> Change {
        Change {
            is_new: self.replaced.is_none(),
            copied: self.copied,
        }
    }
}

/// What an insertion did to a node.
struct Inserted<E> {
    /// The weight of what was lost when the key was there already.
    replaced: Option<u64>,
    /// The upper half of a node that became too large.
    split: Option<Node<E>>,
}

impl<E> Default for Tree<E> {
    fn default() -> Self {
        Tree {
            root: Node::Leaf(Vec::new()),
        }
    }
}

impl<E: Entry> Tree<E> {
    /// Sorts the entries and lets those with equal keys meet in the order in which they came.
    pub(super) fn from_entries(mut entries: Vec<E>) -> Self {
        let in_order = entries.windows(2).all(|pair| match pair {
            [first, second] => first.key() < second.key(),
            _ => true,
        });
        if !in_order {
            entries.sort_by(|a, b| a.key().cmp(b.key()));
            entries = merge_equal(entries);
        }
        Tree { root: build(entries) }
    }

    pub(super) fn len(&self) -> usize {
        self.root.len()
    }

    /// The entry whose key `order` calls equal: `order` says how a key compares with the wanted one.
    pub(super) fn find(&self, order: impl Fn(&Value) -> Ordering) -> Option<&E> {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(entries) => {
                    let at = entries.binary_search_by(|entry| order(entry.key())).ok()?;
                    return entries.get(at);
                }
                Node::Branch(branch) => node = branch.child_for(&order)?,
            }
        }
    }

    /// The entries, where they are few.
    pub(super) fn few(&self) -> Option<&[E]> {
        match &self.root {
            Node::Leaf(entries) if entries.len() <= FEW => Some(entries),
            Node::Leaf(_) | Node::Branch(_) => None,
        }
    }

    /// The entry at `rank`, from 0.
    pub(super) fn nth(&self, mut rank: usize) -> Option<&E> {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(entries) => return entries.get(rank),
                Node::Branch(branch) => {
                    let child = branch.children.iter().find(|child| {
                        let below = rank < child.len;
                        if !below {
                            rank -= child.len;
                        }
                        below
                    })?;
                    node = &child.node;
                }
            }
        }
    }

    /// How much is copied where `holder`, which holds this tree, is about to be changed.
    pub(super) fn copied<T>(&self, holder: &Arc<T>) -> usize {
        if Arc::strong_count(holder) == 1 {
            0
        } else {
            self.root.width()
        }
    }

    /// Adds an entry, or lets it meet the one with an equal key; `copied` is what was copied for it before.
    pub(super) fn insert(&mut self, entry: E, mut copied: usize) -> Outcome {
        let inserted = self.root.insert(entry, &mut copied);
        if let Some(upper) = inserted.split {
            let lower = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
            self.root = Node::above([lower, upper]);
        }
        Outcome {
            replaced: inserted.replaced,
            copied,
        }
    }

    /// Calls `see` with each entry in order.
    pub(super) fn for_each(&self, see: impl FnMut(&E)) {
        match &self.root {
            // Without the stack that going through branches needs.
            Node::Leaf(entries) => entries.iter().for_each(see),
            Node::Branch(_) => self.iter().for_each(see),
        }
    }

    pub(super) fn iter(&self) -> Iter<'_, E> {
        let mut iter = Iter {
            path: Vec::new(),
            leaf: [].iter(),
            left: self.len(),
        };
        iter.descend(&self.root);
        iter
    }
}

impl<E: Entry> Branch<E> {
    /// The child that an entry would be in, given how each key compares with the wanted one.
    fn child_for(&self, order: impl Fn(&Value) -> Ordering) -> Option<&Node<E>> {
        let after = self
            .children
            .partition_point(|child| order(&child.lowest) != Ordering::Greater);
        self.children
            .get(after.checked_sub(1)?)
            .map(|child| child.node.as_ref())
    }
}

impl<E: Entry> Node<E> {
    fn len(&self) -> usize {
        match self {
            Node::Leaf(entries) => entries.len(),
            Node::Branch(branch) => branch.len,
        }
    }

    /// How many entries or children it has itself.
    fn width(&self) -> usize {
        match self {
            Node::Leaf(entries) => entries.len(),
            Node::Branch(branch) => branch.children.len(),
        }
    }

    /// The entry with the lowest key.
    fn first(&self) -> Option<&E> {
        let mut node = self;
        loop {
            match node {
                Node::Leaf(entries) => return entries.first(),
                Node::Branch(branch) => node = branch.children.first()?.node.as_ref(),
            }
        }
    }

    /// A branch over nodes that follow each other; empty ones are left out.
    fn above(nodes: impl IntoIterator<Item = Node<E>>) -> Self {
        let children: Vec<Child<E>> = nodes.into_iter().filter_map(Child::new).collect();
        Node::Branch(Branch {
            len: children.iter().map(|child| child.len).sum(),
            children,
        })
    }

    fn insert(&mut self, entry: E, copied: &mut usize) -> Inserted<E> {
        match self {
            Node::Leaf(entries) => match entries.binary_search_by(|other| other.key().cmp(entry.key())) {
                Ok(at) => {
                    let replaced = entries.get_mut(at).map(|present| present.replace(entry));
                    Inserted {
                        replaced: Some(replaced.unwrap_or(0)),
                        split: None,
                    }
                }
                Err(at) => {
                    entries.insert(at, entry);
                    Inserted {
                        replaced: None,
                        split: upper_half(entries).map(Node::Leaf),
                    }
                }
            },
            Node::Branch(branch) => branch.insert(entry, copied),
        }
    }
}

impl<E: Entry> Branch<E> {
    fn insert(&mut self, entry: E, copied: &mut usize) -> Inserted<E> {
        let after = self
            .children
            .partition_point(|child| child.lowest <= *entry.key());
        let at = after.saturating_sub(1);
        let Some(child) = self.children.get_mut(at) else {
            // A branch has children; an empty one would be as good as a leaf.
            self.children.extend(Child::new(Node::Leaf(vec![entry])));
            self.len = 1;
            return Inserted {
                replaced: None,
                split: None,
            };
        };
        if entry.key() < &child.lowest {
            child.lowest = entry.key().clone();
        }
        if Arc::strong_count(&child.node) > 1 {
            *copied += child.node.width();
        }
        let inserted = Arc::make_mut(&mut child.node).insert(entry, copied);
        child.len = child.node.len();
        if let Some(upper) = inserted.split.and_then(Child::new) {
            self.children.insert(at.saturating_add(1), upper);
        }
        self.len += usize::from(inserted.replaced.is_none());
        let split = upper_half(&mut self.children).map(|children| {
            let len = children.iter().map(|child| child.len).sum();
            self.len -= len;
            Node::Branch(Branch { len, children })
        });
        Inserted {
            replaced: inserted.replaced,
            split,
        }
    }
}

impl<E: Entry> Child<E> {
    /// `None` for a node without entries.
    fn new(node: Node<E>) -> Option<Self> {
        Some(Child {
            lowest: node.first()?.key().clone(),
            len: node.len(),
            node: Arc::new(node),
        })
    }
}

/// Takes the upper half away from a node that has become too large.
fn upper_half<T>(items: &mut Vec<T>) -> Option<Vec<T>> {
    (items.len() > CAPACITY).then(|| items.split_off(items.len() / 2))
}

fn merge_equal<E: Entry>(sorted: Vec<E>) -> Vec<E> {
    let mut merged: Vec<E> = Vec::with_capacity(sorted.len());
    for entry in sorted {
        match merged.last_mut() {
            Some(last) if last.key() == entry.key() => drop(last.replace(entry)),
            _ => merged.push(entry),
        }
    }
    merged
}

/// Builds a tree, full nodes first, from entries in order.
fn build<E: Entry>(entries: Vec<E>) -> Node<E> {
    if entries.len() <= CAPACITY {
        return Node::Leaf(entries);
    }
    let mut level: Vec<Node<E>> = groups(entries).map(Node::Leaf).collect();
    while level.len() > 1 {
        level = groups(level).map(Node::above).collect();
    }
    level.pop().unwrap_or(Node::Leaf(Vec::new()))
}

/// Cuts a list into consecutive parts of at most [`CAPACITY`].
fn groups<T>(items: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut items = items.into_iter();
    std::iter::from_fn(move || {
        let group: Vec<T> = items.by_ref().take(CAPACITY).collect();
        (!group.is_empty()).then_some(group)
    })
}

/// Entries in order.
pub(super) struct Iter<'a, E> {
    path: Vec<std::slice::Iter<'a, Child<E>>>,
    leaf: std::slice::Iter<'a, E>,
    left: usize,
}

impl<'a, E> Iter<'a, E> {
    /// Goes down to the first leaf of `node`.
    fn descend(&mut self, mut node: &'a Node<E>) {
        loop {
            match node {
                Node::Leaf(entries) => {
                    self.leaf = entries.iter();
                    return;
                }
                Node::Branch(branch) => {
                    let mut children = branch.children.iter();
                    let Some(child) = children.next() else { return };
                    self.path.push(children);
                    node = &child.node;
                }
            }
        }
    }
}

impl<'a, E> Iterator for Iter<'a, E> {
    type Item = &'a E;

    fn next(&mut self) -> Option<&'a E> {
        loop {
            if let Some(entry) = self.leaf.next() {
                self.left = self.left.saturating_sub(1);
                return Some(entry);
            }
            match self.path.last_mut()?.next() {
                Some(child) => self.descend(&child.node),
                None => drop(self.path.pop()),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
