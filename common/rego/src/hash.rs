//! Maps for what comes of a plan: loading one asks them for each statement, and the standard library's hasher costs several times
//! as much. Each has a seed of its own, so that a stranger's plan can't know which keys collide; what comes of a request is kept
//! in the standard library's.

use foldhash::fast::RandomState;

pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
pub(crate) type HashSet<T> = std::collections::HashSet<T, RandomState>;
