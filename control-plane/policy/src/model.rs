//! What is published: names, bundles, and the catalog of all that are served at one moment. Values only.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use postern_policy::activation::Refusal;
use postern_policy::alone::{engine_of, smoke_check_all};
use postern_policy::{
    Bundle, BundleError, BundleName, Engine, EngineError, Env, HttpSend, Limits, Verification,
};

/// A bundle that was verified and whose plan or module runs.
pub struct Published {
    /// Under which name.
    pub name: BundleName,
    /// The archive as it came.
    pub archive: Bytes,
    /// SHA-256 of the archive in hex; the entity tag without quotes.
    pub etag: String,
    /// The key that signed it; `None` when signatures aren't asked for.
    pub signed_by: Option<String>,
    /// The sequence that its signer gave it, where there is a signer.
    pub sequence: Option<u64>,
    /// The digest of what it was compiled from; `None` where it came as it is served.
    pub source: Option<String>,
    /// When it was published, seconds since the epoch.
    pub published_at: i64,
    /// What answers.
    pub engine: Arc<dyn Engine>,
}

/// Why an archive can't be published.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Not a bundle, or not one that may be trusted.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Its plan can't run here, or an entrypoint fails whatever it is asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A sidecar would refuse it.
    #[error(transparent)]
    Activation(#[from] Refusal),
    /// It has Rego and no plan, and it isn't said what is asked of it.
    #[error(
        "it has Rego and no plan, and it isn't said what is asked of it: `postern bundle push -e <entrypoint> …`, or build it \
         with `postern bundle build -e <entrypoint> …`"
    )]
    NothingAsked,
    /// It must be compiled, and there is nothing here to do it.
    #[error(
        "{why}; build it with `postern bundle build {} …`, or let the control plane compile it (`policy.compile`)",
        .entrypoints.iter().map(|name| format!("-e {name}")).collect::<Vec<_>>().join(" ")
    )]
    NoCompiler {
        /// Why it must be.
        why: String,
        /// What is asked.
        entrypoints: Vec<String>,
    },
    /// OPA doesn't compile it, or takes too much for it.
    #[error("{0}")]
    Rego(String),
    /// Sidecars that have the one before would refuse it, or take either of two.
    #[error(
        "its sequence is {sequence}, and {highest} was published already: expected a higher one; give it one \
         (`postern bundle sign BUNDLE --signing-key FILE`, which takes the time) and push it again"
    )]
    NotNewer {
        /// Its sequence.
        sequence: u64,
        /// The highest that was published under its name.
        highest: u64,
    },
}

impl Published {
    /// Verifies the archive, loads its plan or module, and tries every entrypoint in `env`, as a sidecar does before it takes the
    /// bundle. Takes processor time in proportion to the archive.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub fn verify(
        name: BundleName,
        archive: Bytes,
        verification: &Verification,
        published_at: i64,
        env: &Env,
    ) -> Result<Self, Refused> {
        let bundle = Bundle::read(&archive, verification, &Limits::default())?;
        let engine = engine_of(&bundle, HttpSend::On)?;
        smoke_check_all(&*engine, env)?;
        let etag = hex::encode(digest::digest(&digest::SHA256, &archive));
        let signed_by = bundle.signed_by().map(str::to_owned);
        let sequence = bundle.sequence()?;
        Ok(Self {
            name,
            archive,
            etag,
            signed_by,
            sequence,
            source: None,
            published_at,
            engine,
        })
    }

    /// Whether it may follow bundles of which this is the highest sequence. Only those that have one are ordered.
    pub(crate) fn follows(&self, highest: Option<u64>) -> Result<(), Refused> {
        match (self.sequence, highest) {
            (Some(sequence), Some(highest)) if sequence <= highest => {
                Err(Refused::NotNewer { sequence, highest })
            }
            _ => Ok(()),
        }
    }

    /// As the bundle's manifest has it.
    pub fn revision(&self) -> &str {
        self.engine.revision()
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Published")
            .field("name", &self.name)
            .field("etag", &self.etag)
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

/// Every bundle that is served, at one moment. Cheap to clone; a change makes a new one.
#[derive(Debug, Clone, Default)]
pub struct Catalog(Arc<BTreeMap<BundleName, Arc<Published>>>);

impl Catalog {
    /// The bundle of that name.
    pub fn bundle(&self, name: &BundleName) -> Option<&Arc<Published>> {
        self.0.get(name)
    }

    /// The entity tag of the bundle of that name.
    pub fn etag(&self, name: &BundleName) -> Option<&str> {
        self.bundle(name).map(|published| published.etag.as_str())
    }

    /// All of them in the order of their names.
    pub fn bundles(&self) -> impl ExactSizeIterator<Item = &Arc<Published>> {
        self.0.values()
    }

    /// The same with `published` in the place of the one of its name.
    pub(crate) fn with(&self, published: Arc<Published>) -> Self {
        let mut bundles = BTreeMap::clone(&self.0);
        bundles.insert(published.name.clone(), published);
        Self(Arc::new(bundles))
    }
}
