//! What is in force, and what waits for others.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::arrival::{Content, Patch, Verified};
use super::order::Order;
use super::refusal::{Refusal, Step};
use super::steps::{Joined, Made, Tried};
use crate::collection::{self, Collection, Given, Loose, Member, RegoVersion};
use crate::{BundleError, DeltaError, Engine, Entrypoint};

/// The parts of the policy in force: files outside of bundles, and the last good version of each bundle.
#[derive(Debug, Clone, Default)]
pub struct Active {
    loose: Arc<Loose>,
    version: RegoVersion,
    members: BTreeMap<String, Member>,
    waiting: BTreeMap<String, Verified>,
    /// What was made of all Rego, so that nothing is compiled where nothing but data changes. The engine has it, too.
    made: Option<Made>,
    generation: u64,
    /// Whether the files were read again since the last swap, which goes for what is joined with them.
    is_anew: bool,
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

    /// The same with other files, and without the bundles that were given with them: those are read again, too, and come
    /// ([`Active::start`]). What was fetched stays.
    #[must_use]
    pub fn anew(&self, loose: Loose) -> Self {
        let mut anew = self.clone();
        anew.loose = Arc::new(loose);
        anew.members.retain(|_, member| member.given != Given::AtStart);
        anew.made = None;
        anew.is_anew = true;
        anew
    }

    pub(super) fn join(&self, candidates: Vec<Verified>) -> Result<Joined, Refusal> {
        let name = match candidates.as_slice() {
            [only] => Some(only.name()),
            _ => None,
        };
        let comes = |name: &str| candidates.iter().any(|candidate| candidate.name() == name);
        let others: Vec<&Member> = self
            .members
            .values()
            .filter(|member| !self.sole && !comes(&member.name))
            .collect();
        // Of a delta this comes before what it changes, as in OPA.
        let roots = others.iter().map(|member| (member.name.as_str(), member.roots()));
        let roots = roots.chain(
            candidates
                .iter()
                .map(|candidate| (candidate.name(), candidate.roots())),
        );
        collection::check_roots(roots).map_err(|error| Refusal::new(Step::Join, name, error))?;
        let members = candidates.iter().map(|candidate| match &candidate.content {
            Content::Snapshot(member) => self.in_order(member),
            Content::Delta(patch) => self.patched(patch),
        });
        let members = members.collect::<Result<Vec<Member>, Refusal>>()?;
        let all = others.into_iter().cloned().chain(members.iter().cloned());
        let collection = Collection::join(&self.loose, all, self.version)
            .map_err(|error| Refusal::new(Step::Join, name, error))?;
        let changes_data = |candidate: &Verified| matches!(candidate.content, Content::Delta(_));
        let is_data_alone = candidates.iter().all(changes_data) && !candidates.is_empty();
        Ok(Joined {
            made: self.made.clone().filter(|_| is_data_alone),
            candidates,
            members,
            collection: Arc::new(collection),
            generation: self.generation,
            loose: self.is_anew.then(|| Arc::clone(&self.loose)),
        })
    }

    fn in_order(&self, member: &Member) -> Result<Member, Refusal> {
        let checked = self
            .order
            .as_ref()
            .map_or(Ok(()), |order| order.check(&member.bundle));
        checked.map_err(|reason| Refusal::new(Step::Order, Some(&member.name), reason))?;
        Ok(member.clone())
    }

    /// What a delta makes of the bundle in force.
    fn patched(&self, patch: &Patch) -> Result<Member, Refusal> {
        let refuse = |error: DeltaError| Refusal::new(Step::Patch, Some(&patch.name), error);
        if self.sole {
            let what = "delta bundles aren't supported; publish a snapshot";
            let path = "patch.json".to_owned();
            let error = BundleError::Unsupported { path, what };
            return Err(Refusal::new(Step::Patch, Some(&patch.name), error));
        }
        let (bundle, given) = match self.members.get(&patch.name) {
            Some(base) => (patch.delta.on(&patch.name, &base.bundle), base.given),
            None => {
                let there = self.loose.owned_by(&patch.delta.manifest().roots);
                let given = match patch.given {
                    Given::AtStart => Given::AtStart,
                    Given::Fetched | Given::AsDelta => Given::AsDelta,
                };
                (patch.delta.on_nothing(there), given)
            }
        };
        Ok(Member {
            name: patch.name.clone(),
            bundle: Arc::new(bundle.map_err(refuse)?),
            etag: patch.etag.clone(),
            given,
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
        self.made = Some(tried.made).filter(|_| !self.sole);
        if let Some(loose) = tried.joined.loose {
            self.loose = loose;
            self.members.retain(|_, member| member.given != Given::AtStart);
        }
        for mut member in tried.joined.members {
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
    /// name takes its place. A delta doesn't wait, since what it is of may be another then: its server is asked for it again.
    pub fn wait(&mut self, candidate: Verified) {
        let name = candidate.name().to_owned();
        if self.sole || matches!(candidate.content, Content::Delta(_)) {
            self.waiting.remove(&name);
            return;
        }
        self.waiting.insert(name, candidate);
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
