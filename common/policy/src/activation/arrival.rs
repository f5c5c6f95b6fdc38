//! The first steps: an archive that came, and what it proves to be.

use std::sync::Arc;

use super::active::Active;
use super::refusal::{Refusal, Step};
use super::steps::Joined;
use crate::collection::{Given, Member};
use crate::{Arrived, Bundle, Delta, Deltas, Limits, Verification};

/// An archive that came.
#[derive(Debug, Clone)]
pub struct Fetched<'a> {
    /// The bundle's name.
    pub name: &'a str,
    /// Its bytes.
    pub archive: &'a [u8],
    /// The tag that it came with; empty for none.
    pub etag: &'a str,
    /// How it came.
    pub given: Given,
}

impl Fetched<'_> {
    /// Reads the archive, and has its signature proved.
    ///
    /// # Errors
    /// At [`Step::Verify`].
    pub fn verify(self, verification: &Verification, limits: &Limits) -> Result<Verified, Refusal> {
        let bundle = Bundle::read(self.archive, verification, limits)
            .map_err(|error| Refusal::new(Step::Verify, Some(self.name), error))?;
        Ok(self.named(Arrived::Snapshot(Box::new(bundle))))
    }

    /// As [`Fetched::verify`], and takes a delta of what is in force, too.
    ///
    /// # Errors
    /// At [`Step::Verify`].
    pub fn verify_or_delta(
        self,
        verification: &Verification,
        limits: &Limits,
        deltas: Deltas,
    ) -> Result<Verified, Refusal> {
        let arrived = Arrived::read(self.archive, verification, limits, deltas)
            .map_err(|error| Refusal::new(Step::Verify, Some(self.name), error))?;
        Ok(self.named(arrived))
    }

    fn named(&self, arrived: Arrived) -> Verified {
        Verified::arrived(self.name, arrived, self.etag, self.given)
    }
}

/// A bundle that is what its signer signed, or a delta, which nobody signs.
#[derive(Debug, Clone)]
pub struct Verified {
    pub(super) content: Content,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Snapshot(Member),
    Delta(Patch),
}

/// A delta under its bundle's name.
#[derive(Debug, Clone)]
pub(super) struct Patch {
    pub(super) name: String,
    pub(super) delta: Delta,
    pub(super) etag: String,
    pub(super) given: Given,
}

impl Verified {
    /// A bundle that was read elsewhere: there is none that wasn't found good.
    #[must_use]
    pub fn of(member: Member) -> Self {
        Self {
            content: Content::Snapshot(member),
        }
    }

    /// What was read elsewhere, under a name, with the tag that it came with.
    #[must_use]
    pub fn arrived(name: &str, arrived: Arrived, etag: &str, given: Given) -> Self {
        let (name, etag) = (name.to_owned(), etag.to_owned());
        let content = match arrived {
            Arrived::Snapshot(bundle) => Content::Snapshot(Member {
                name,
                bundle: Arc::from(bundle),
                etag,
                given,
            }),
            Arrived::Delta(delta) => Content::Delta(Patch {
                name,
                delta,
                etag,
                given,
            }),
        };
        Self { content }
    }

    /// The name of its bundle.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.content {
            Content::Snapshot(member) => &member.name,
            Content::Delta(patch) => &patch.name,
        }
    }

    /// The revision of what it is, or makes of the bundle in force.
    #[must_use]
    pub fn revision(&self) -> &str {
        match &self.content {
            Content::Snapshot(member) => member.bundle.revision(),
            Content::Delta(patch) => patch.delta.revision(),
        }
    }

    /// What OPA's status calls it: `snapshot` or `delta`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Snapshot(_) => "snapshot",
            Content::Delta(_) => "delta",
        }
    }

    /// What a bundle holds; `None` of a delta.
    #[must_use]
    pub fn bundle(&self) -> Option<&Arc<Bundle>> {
        match &self.content {
            Content::Snapshot(member) => Some(&member.bundle),
            Content::Delta(_) => None,
        }
    }

    /// Where patches aren't looked at, a delta is a bundle with nothing in it (OPA's discovery).
    #[must_use]
    pub fn without_patch(self) -> Self {
        let content = match self.content {
            Content::Delta(patch) => Content::Snapshot(Member {
                bundle: Arc::new(patch.delta.without_patch()),
                name: patch.name,
                etag: patch.etag,
                given: patch.given,
            }),
            snapshot @ Content::Snapshot(_) => snapshot,
        };
        Self { content }
    }

    pub(super) fn roots(&self) -> &[String] {
        match &self.content {
            Content::Snapshot(member) => member.roots(),
            Content::Delta(patch) => &patch.delta.manifest().roots,
        }
    }

    /// With all that is active: in the place of the bundle of its name, beside the others.
    ///
    /// # Errors
    /// At [`Step::Join`].
    pub fn join(self, active: &Active) -> Result<Joined, Refusal> {
        active.join(vec![self])
    }
}
