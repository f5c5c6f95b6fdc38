//! What is in force, and what waits for others.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::order::Order;
use super::refusal::{Refusal, Step};
use super::steps::{Joined, Tried, Verified};
use crate::collection::{Collection, Loose, Member, RegoVersion};
use crate::{Engine, Entrypoint};

/// The parts of the policy in force: files outside of bundles, and the last good version of each bundle.
#[derive(Debug, Clone, Default)]
pub struct Active {
    loose: Arc<Loose>,
    version: RegoVersion,
    members: BTreeMap<String, Member>,
    waiting: BTreeMap<String, Verified>,
    generation: u64,
    /// Whether there is never more than one bundle, which takes the place of the one before it.
    sole: bool,
    order: Option<Order>,
}

/// A bundle that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveBundle<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its revision.
    pub revision: &'a str,
    /// The sequence that its signer gave it, where there is a signer.
    pub sequence: Option<u64>,
    /// The tag that it came with; empty for none.
    pub etag: &'a str,
}

/// Another policy came into force since these were joined with what was active then. They are to be joined again.
#[derive(Debug)]
pub struct Stale(pub Vec<Verified>);

/// A policy that is in force now.
#[derive(Debug)]
pub struct Swapped {
    /// The policy.
    pub engine: Arc<dyn Engine>,
    /// Where each of the wanted paths is asked, in their order.
    pub entrypoints: Vec<Entrypoint>,
}

impl Active {
    /// Nothing but files outside of bundles, in the language that all Rego is in which doesn't say otherwise.
    #[must_use]
    pub fn new(loose: Loose, version: RegoVersion) -> Self {
        Self {
            loose: Arc::new(loose),
            version,
            ..Self::default()
        }
    }

    /// For one bundle and nothing beside it: of what is in force no more is kept than what it is called, since nothing will
    /// be joined with it. Where bundles are ordered by their signer, one that is older than another that was in force is
    /// refused; `highest` is the highest sequence that was in force before this process began.
    #[must_use]
    pub fn of_one_bundle(highest: Option<u64>) -> Self {
        Self {
            sole: true,
            order: Some(Order::after(highest)),
            ..Self::default()
        }
    }

    /// The highest sequence of those that were in force; `None` where none had one, or nothing is ordered.
    #[must_use]
    pub fn highest_sequence(&self) -> Option<u64> {
        self.order.as_ref()?.highest()
    }

    /// The bundles in force, in the order of their names.
    pub fn bundles(&self) -> impl Iterator<Item = ActiveBundle<'_>> {
        self.members.values().map(|member| ActiveBundle {
            name: &member.name,
            revision: member.bundle.revision(),
            sequence: member.bundle.sequence().ok().flatten(),
            etag: &member.etag,
        })
    }

    /// What a process was started with: files, and bundles that were given with them, all at once.
    ///
    /// # Errors
    /// At [`Step::Order`] and [`Step::Join`].
    pub fn start(&self, bundles: Vec<Verified>) -> Result<Joined, Refusal> {
        self.join(bundles)
    }

    pub(super) fn join(&self, candidates: Vec<Verified>) -> Result<Joined, Refusal> {
        if let Some(order) = &self.order {
            for Verified { member } in &candidates {
                order
                    .check(&member.bundle)
                    .map_err(|reason| Refusal::new(Step::Order, Some(&member.name), reason))?;
            }
        }
        let comes = |name: &str| candidates.iter().any(|candidate| candidate.member.name == name);
        let others = self
            .members
            .values()
            .filter(|member| !self.sole && !comes(&member.name));
        let members = others
            .cloned()
            .chain(candidates.iter().map(|candidate| candidate.member.clone()));
        let name = match candidates.as_slice() {
            [only] => Some(only.member.name.as_str()),
            _ => None,
        };
        let collection = Collection::join(&self.loose, members, self.version)
            .map_err(|error| Refusal::new(Step::Join, name, error))?;
        Ok(Joined {
            candidates,
            collection: Arc::new(collection),
            generation: self.generation,
        })
    }

    /// Puts a policy into force that was made from what is active now, and what was joined with it.
    ///
    /// # Errors
    /// [`Stale`], when something else came into force meanwhile; nothing is changed then.
    pub fn swap(&mut self, tried: Tried) -> Result<Swapped, Stale> {
        if tried.joined.generation != self.generation {
            return Err(Stale(tried.joined.candidates));
        }
        self.generation = self.generation.wrapping_add(1);
        for Verified { mut member } in tried.joined.candidates {
            self.waiting.remove(&member.name);
            if let Some(order) = &mut self.order {
                order.follow(&member.bundle);
            }
            if self.sole {
                self.members.clear();
                member.bundle = Arc::new(member.bundle.outline());
            }
            self.members.insert(member.name.clone(), member);
        }
        Ok(Swapped {
            engine: tried.engine,
            entrypoints: tried.entrypoints,
        })
    }

    /// Keeps a bundle that was refused beside the others, to be tried again when one of them has changed. A newer one of its
    /// name takes its place.
    pub fn wait(&mut self, candidate: Verified) {
        if self.sole {
            return;
        }
        self.waiting.insert(candidate.member.name.clone(), candidate);
    }

    /// No longer waits for a bundle of this name: another came, or what was refused is no longer served.
    pub fn forget(&mut self, name: &str) {
        self.waiting.remove(name);
    }

    /// Those that wait, in the order of their names: to be joined again after a swap.
    #[must_use]
    pub fn waiting(&self) -> Vec<Verified> {
        self.waiting.values().cloned().collect()
    }
}
