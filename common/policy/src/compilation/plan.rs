//! What came of a compilation, and how it is kept on a disk.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// Names the form of what is kept, and of how opa is asked: another one is compiled again.
pub(super) const FORMAT: &str = "postern compiled policy 1";
/// A heading is a line of ours; longer means damaged.
const MAX_HEADING_BYTES: usize = 64 * 1024;

/// How one of the wanted paths is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// By this entrypoint of the plan.
    Entrypoint(String),
    /// There is no rule: by a look into the base data.
    Data,
}

/// A plan, and how the wanted paths are asked of it, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    plan: Vec<u8>,
    targets: Vec<Target>,
}

/// What was kept isn't used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was kept of a compilation is damaged, or of another: {0}")]
pub struct CompiledError(&'static str);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Heading {
    format: String,
    /// Of what it was compiled from.
    of: String,
    /// Of the targets and the plan.
    sha256: String,
    targets: Vec<Target>,
}

impl Compiled {
    pub(super) fn new(plan: Vec<u8>, targets: Vec<Target>) -> Self {
        Self { plan, targets }
    }

    /// `plan.json`, with the rules that were not planned.
    #[must_use]
    pub fn plan_json(&self) -> &[u8] {
        &self.plan
    }

    /// How each of the wanted paths is asked.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// To be kept: what it was compiled from (the job's digest and the compiler's, say), checksum, all of it.
    ///
    /// # Errors
    /// When it can't be written down.
    pub fn to_bytes(&self, of: &str) -> Result<Vec<u8>, CompiledError> {
        let heading = Heading {
            format: FORMAT.to_owned(),
            of: of.to_owned(),
            sha256: self.checksum()?,
            targets: self.targets.clone(),
        };
        let mut bytes = serde_json::to_vec(&heading).map_err(|_| CompiledError("it has no heading"))?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.plan);
        Ok(bytes)
    }

    /// What was kept, if it is whole and of `of`.
    ///
    /// # Errors
    /// When it isn't. It is to be compiled again then.
    pub fn from_bytes(bytes: &[u8], of: &str) -> Result<Self, CompiledError> {
        let end = bytes
            .iter()
            .take(MAX_HEADING_BYTES)
            .position(|byte| *byte == b'\n');
        let (heading, rest) = end
            .map(|end| bytes.split_at(end))
            .ok_or(CompiledError("it has no heading"))?;
        let heading: Heading =
            serde_json::from_slice(heading).map_err(|_| CompiledError("its heading isn't ours"))?;
        if heading.format != FORMAT {
            return Err(CompiledError("its form is another"));
        }
        if heading.of != of {
            return Err(CompiledError("it is of something else"));
        }
        let compiled = Self {
            plan: rest.get(1..).unwrap_or_default().to_vec(),
            targets: heading.targets,
        };
        if compiled.checksum()? != heading.sha256 {
            return Err(CompiledError("its checksum differs"));
        }
        Ok(compiled)
    }

    fn checksum(&self) -> Result<String, CompiledError> {
        let mut all =
            serde_json::to_vec(&self.targets).map_err(|_| CompiledError("its targets can't be written"))?;
        all.push(b'\n');
        all.extend_from_slice(&self.plan);
        Ok(hex::encode(digest(&SHA256, &all)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compiled() -> Compiled {
        Compiled::new(
            b"{\"plan\":\n1}".to_vec(),
            vec![Target::Entrypoint("a/x".to_owned()), Target::Data],
        )
    }

    #[test]
    fn what_was_kept_is_read_back_for_the_same_policy_only() {
        let bytes = compiled().to_bytes("one").unwrap();
        assert_eq!(Compiled::from_bytes(&bytes, "one"), Ok(compiled()));
        assert!(Compiled::from_bytes(&bytes, "two").is_err());
        assert!(Compiled::from_bytes(b"", "one").is_err());
    }

    proptest! {
        #[test]
        fn what_is_damaged_is_never_taken_for_whole(at in any::<prop::sample::Index>(), bit in 0_u8..8, cut in any::<bool>()) {
            let mut bytes = compiled().to_bytes("one").unwrap();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            if let Ok(read) = Compiled::from_bytes(&bytes, "one") {
                prop_assert_eq!(read, compiled());
            }
        }
    }
}
