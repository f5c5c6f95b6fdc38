//! What a plan can read of the document that it is asked with, known once it is loaded: a host need not build the rest.
//! Errs on one side only: what can't be excluded counts as read.

mod analysis;
mod origins;
mod statements;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::value::{Object, Value};

pub(crate) use analysis::analyse;

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

    fn paths(&self, path: &mut String, out: &mut fmt::DebugSet<'_, '_>) {
        match self {
            Reads::All => {
                out.entry(&format_args!("{path}.*"));
            }
            Reads::Members(members) if members.is_empty() => {
                out.entry(&format_args!("{path}"));
            }
            Reads::Members(members) => {
                for (name, reads) in members {
                    let len = path.len();
                    path.push('.');
                    path.push_str(name);
                    reads.paths(path, out);
                    path.truncate(len);
                }
            }
        }
    }
}

/// One path each: `input.a.*` is all of `input.a`.
impl fmt::Debug for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        self.paths(&mut "input".to_owned(), &mut set);
        set.finish()
    }
}
