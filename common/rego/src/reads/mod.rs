//! What a plan can read of the documents that it is asked with, and what its builtins depend on, known once it is loaded:
//! a host need not build the rest of the input, and an answer can change only with what is named here. Errs on one side
//! only: what can't be excluded counts as read.

mod analysis;
mod feed;
mod origins;
mod statements;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::builtins::Effects;
use crate::value::{Object, Value};

pub(crate) use analysis::analyse;

/// What an entrypoint can look at.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) input: Reads,
    /// Of the base document.
    pub(crate) data: Reads,
    pub(crate) effects: Effects,
}

impl Reach {
    /// Of which nothing is known.
    pub(crate) const ALL: Reach = Reach {
        input: Reads::All,
        data: Reads::All,
        effects: Effects::ALL,
    };
}

/// Which parts of a document may be looked at.
///
/// A document from which the unread members of objects were left out gives the same answers as the whole one, as long
/// as everything else is kept: a part that is there stays there, of its own kind (an object stays an object, if an empty
/// one; an array, a set and a scalar stay whole). [`Reads::prune`] does that to a value. Only the limits of an
/// evaluation may be met later, since less is compared.
#[derive(Clone, PartialEq, Eq)]
pub enum Reads {
    /// All of it.
    All,
    /// Of an object only these members, and of each only what is said of it. Of anything else, all.
    Members(BTreeMap<Arc<str>, Reads>),
}

impl Default for Reads {
    fn default() -> Self {
        Self::nothing()
    }
}

impl Reads {
    /// Whether it is there and what kind of value it is, but none of its members.
    #[must_use]
    pub const fn nothing() -> Self {
        Reads::Members(BTreeMap::new())
    }

    /// Whether all of it may be read.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        matches!(self, Reads::All)
    }

    /// What is read of the member `name`; `None` if it is not even asked for.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Reads> {
        match self {
            Reads::All => Some(self),
            Reads::Members(members) => members.get(name),
        }
    }

    /// What is read of the part that these names lead to; `None` if it is not even asked for.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Reads> {
        path.iter().try_fold(self, |reads, name| reads.member(name))
    }

    /// The document without what isn't read.
    #[must_use]
    pub fn prune(&self, document: &Value) -> Value {
        let (Reads::Members(members), Value::Object(object)) = (self, document) else {
            return document.clone();
        };
        let kept = members.iter().filter_map(|(name, reads)| {
            let value = object.get_str(name)?;
            Some((Value::String(Arc::clone(name)), reads.prune(value)))
        });
        Value::Object(kept.collect::<Object>())
    }

    /// The paths that are read, below a name for the document: `input.a.*` is all of `input.a`, `input.a` only that it is
    /// there and a scalar's value. Names that aren't words stand in brackets, as in Rego.
    #[must_use]
    pub fn paths(&self, document: &str) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths(&mut document.to_owned(), &mut paths);
        paths
    }

    fn collect_paths(&self, path: &mut String, out: &mut Vec<String>) {
        match self {
            Reads::All => out.push(format!("{path}.*")),
            Reads::Members(members) if members.is_empty() => out.push(path.clone()),
            Reads::Members(members) => {
                for (name, reads) in members {
                    let len = path.len();
                    push_name(path, name);
                    reads.collect_paths(path, out);
                    path.truncate(len);
                }
            }
        }
    }
}

/// Adds a member's name to a path: `.name`, or `["x-name"]` where it isn't a word.
pub(crate) fn push_name(path: &mut String, name: &str) {
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_word {
        path.push('.');
        path.push_str(name);
    } else {
        path.push('[');
        path.push_str(&Value::from(name).to_json());
        path.push(']');
    }
}

/// One path each ([`Reads::paths`]), whichever document it is.
impl fmt::Debug for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        for path in self.paths("") {
            set.entry(&format_args!("{path}"));
        }
        set.finish()
    }
}
