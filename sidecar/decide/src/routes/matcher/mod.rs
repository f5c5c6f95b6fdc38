//! All conditions of all routes, compiled: each dimension (host, path, method, context) says in one look-up which routes it
//! leaves, as a set of bits, and the first bit that all leave is the route. What it costs depends on the request's size,
//! not on how many routes there are. Allocates nothing when it matches.

mod contexts;
mod hosts;
mod methods;
mod paths;
mod set;

use super::conditions::{Conditions, Target};
use contexts::Contexts;
use hosts::Hosts;
use methods::Methods;
use paths::Paths;
use set::RouteSet;

/// Words of the sets that so many routes need. Few sizes: a table of ten and one of a thousand do the same work.
const SMALL: usize = 1024 / 64;
const LARGE: usize = super::MAX_ROUTES / 64;

/// The compiled conditions. A dimension that no route names is left out.
#[derive(Debug)]
pub(super) struct Matcher {
    hosts: Option<Hosts>,
    paths: Option<Paths>,
    methods: Option<Methods>,
    contexts: Option<Contexts>,
    small: bool,
}

impl Matcher {
    /// Compiles conditions; an index is a place in their order, below [`super::MAX_ROUTES`].
    pub(super) fn new<'c>(all: &(impl Iterator<Item = &'c Conditions> + Clone)) -> Self {
        let named = |dimension: fn(&Conditions) -> bool| all.clone().any(dimension);
        let indexed = || (0..).zip(all.clone());
        Self {
            hosts: named(|one| one.hosts.is_some()).then(|| Hosts::new(indexed())),
            paths: named(|one| one.path.is_some()).then(|| Paths::new(indexed())),
            methods: named(|one| one.methods.is_some()).then(|| Methods::new(indexed())),
            contexts: named(|one| !one.context_extensions.is_empty()).then(|| Contexts::new(indexed())),
            small: all.clone().count() <= SMALL * 64,
        }
    }

    /// The place of the first conditions that `target` meets.
    pub(super) fn first(&self, target: &Target<'_>) -> Option<usize> {
        if self.small {
            self.first_of::<SMALL>(target)
        } else {
            self.first_of::<LARGE>(target)
        }
    }

    fn first_of<const WORDS: usize>(&self, target: &Target<'_>) -> Option<usize> {
        let mut left = [u64::MAX; WORDS];
        let mut narrow = |add_to: &dyn Fn(&mut [u64])| {
            let mut met = [0; WORDS];
            add_to(&mut met);
            for (left, met) in left.iter_mut().zip(met) {
                *left &= met;
            }
        };
        if let Some(hosts) = &self.hosts {
            narrow(&|met| hosts.met(target.host, met));
        }
        if let Some(paths) = &self.paths {
            narrow(&|met| paths.met(target.path, met));
        }
        if let Some(methods) = &self.methods {
            narrow(&|met| methods.met(target.method, met));
        }
        if let Some(contexts) = &self.contexts {
            narrow(&|met| contexts.met(target.context_extensions, met));
        }
        left.iter()
            .zip(0usize..)
            .find(|(word, _)| **word != 0)
            .and_then(|(word, at)| Some(at * 64 + usize::try_from(word.trailing_zeros()).ok()?))
    }
}
