//! One operation, and what follows from it (OPA's `v1/storage/inmem/txn.go`: `newUpdateRaw`, `Apply`; `ptr.Ptr`).

use super::DeltaError;
use super::node::{Elements, Node, Work, no_document};
use super::path::{self, Names};

/// What OPA's storage is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Add,
    Replace,
    Remove,
}

/// What an operation comes to.
pub(super) struct Planned {
    /// How many names of its path lead to the place that changes: of an element of an array it is the array.
    pub(super) length: usize,
    pub(super) is_removal: bool,
    /// What comes to stand there; of a removal, what its operation had beside its path.
    pub(super) node: Node,
}

/// What is at a path.
pub(super) fn find(node: &Node, path: &Names, work: &mut Work) -> Result<Node, DeltaError> {
    along(node, path, path, work)
}

/// What some names lead to, of a whole path that messages show.
fn along(node: &Node, names: &Names, whole: &Names, work: &mut Work) -> Result<Node, DeltaError> {
    names.iter().try_fold(node.clone(), |node, name| match &node {
        Node::Object(members) => members.borrow_mut().get(name).ok_or_else(no_document),
        Node::Array(elements) => {
            let mut elements = elements.borrow_mut();
            let at = elements.position(name, whole)?;
            elements.get(at, work)
        }
        Node::Scalar(_) => Err(no_document()),
    })
}

/// What an operation at a path of at least one name makes of a document, which it doesn't change yet.
pub(super) fn plan(
    document: &Node,
    write: Write,
    path: &Names,
    new: Node,
    work: &mut Work,
) -> Result<Planned, DeltaError> {
    let (name, parent) = path.split_last().ok_or_else(no_document)?;
    match along(document, parent, path, work)? {
        Node::Object(members) => {
            if write != Write::Add && members.borrow_mut().get(name).is_none() {
                return Err(no_document());
            }
            Ok(Planned {
                length: path.len(),
                is_removal: write == Write::Remove,
                node: new,
            })
        }
        Node::Array(elements) => {
            let mut elements = elements.borrow_mut();
            let nodes = if elements.is_end(name) {
                if write != Write::Add {
                    let shown = path::shown(path);
                    return Err(DeltaError::Invalid(format!("{shown}: invalid patch path")));
                }
                let mut nodes = elements.copied(work)?;
                nodes.push(new);
                nodes
            } else {
                let at = elements.position(name, path)?;
                let mut nodes = elements.copied(work)?;
                let place = match write {
                    Write::Add => at..at,
                    Write::Replace | Write::Remove => at..at.saturating_add(1),
                };
                let comes = (write != Write::Remove).then_some(new);
                nodes.splice(place, comes);
                nodes
            };
            Ok(Planned {
                length: parent.len(),
                is_removal: false,
                node: Node::array(Elements::Apart(nodes)),
            })
        }
        Node::Scalar(_) => Err(no_document()),
    }
}

/// Puts what was planned into a document. What its path leads through was there when it was planned, and may be another since;
/// OPA crashes then.
pub(super) fn put(
    document: &mut Node,
    path: &Names,
    is_removal: bool,
    node: &Node,
    work: &mut Work,
) -> Result<(), DeltaError> {
    let crash = || DeltaError::Crash(path::shown(path));
    let Some((name, parent)) = path.split_last() else {
        document.clone_from(node);
        return Ok(());
    };
    let parent = along(document, parent, path, work).map_err(|error| match error {
        error @ DeltaError::Work(_) => error,
        _ => crash(),
    })?;
    match parent {
        Node::Object(members) => {
            let node = (!is_removal).then(|| node.clone());
            members.borrow_mut().set(name, node);
            Ok(())
        }
        Node::Array(elements) if !is_removal && path::is_plain_index(name) => {
            let mut elements = elements.borrow_mut();
            let at = elements.position(name, path).map_err(|_| crash())?;
            elements.set(at, node.clone(), work)
        }
        Node::Scalar(_) if !is_removal => Ok(()),
        Node::Array(_) | Node::Scalar(_) => Err(crash()),
    }
}
