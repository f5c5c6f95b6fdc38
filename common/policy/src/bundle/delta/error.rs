//! Why a delta is refused: in OPA's words where OPA refuses it, too.

use postern_rego::MAX_NESTING;

/// A refusal of a delta, or of what it makes of the bundle that it changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// `patch.json` isn't of OPA's form.
    #[error("bundle load failed on patch decode: {0}")]
    Form(String),
    /// A signature is required, and deltas have none.
    #[error("delta bundles do not support signature verification")]
    Unsigned,
    /// Something else than the patch is in it.
    #[error("delta bundle expected to contain only patch file but {0} files found")]
    Beside(&'static str),
    /// What is kept on disk is whole.
    #[error("'persist' property is true in config. persisting delta bundle to disk is not supported")]
    Persisted,
    /// Its manifest names a Wasm module, which it can't have.
    #[error("manifest references wasm module '{0}' but the module file does not exist")]
    WasmMissing(String),
    /// An operation outside of what the manifest lets it change.
    #[error("manifest roots [{}] do not permit data patch at path '{path}'", .roots.join(" "))]
    OutsideRoots {
        /// As the manifest has them.
        roots: Vec<String>,
        /// As the patch has it.
        path: String,
    },
    /// It owns something else than the bundle that it changes.
    #[error(
        "delta bundle '{0}' has wasm resolvers or manifest roots that are different from those in the store"
    )]
    AnotherBundle(String),
    /// A path that can't be read.
    #[error("error parsing patch path")]
    Path,
    /// An operation that there isn't.
    #[error("bad patch operation: {0}")]
    Operation(String),
    /// Nothing is there, or on the way there.
    #[error("storage_not_found_error: {0}")]
    NotFound(String),
    /// What is on the way is no object.
    #[error("storage_write_conflict_error: {0}")]
    Conflict(String),
    /// What can't be done there.
    #[error("storage_invalid_patch_error: {0}")]
    Invalid(String),
    /// Operations that end OPA's process.
    #[error("the patch at path '{0}' would crash OPA, and is refused")]
    Crash(String),
    /// A place that the policy engine writes to itself.
    #[error(
        "the patch at path '{0}' changes what tells of bundles, or all of data, and is refused; publish a snapshot"
    )]
    Reserved(String),
    /// A path whose names, once unescaped, aren't below the roots, or aren't UTF-8.
    #[error("the patch at path '{0}' leads out of the bundle's roots, or is not UTF-8, once it is unescaped")]
    LeadsOut(String),
    /// A document that nests too deep.
    #[error("the patch at path '{0}' nests deeper than {MAX_NESTING}")]
    Nesting(String),
    /// More work than any sensible delta is.
    #[error("the delta copies more than {0} elements of arrays; publish a snapshot")]
    Work(u64),
    /// The whole has become too large.
    #[error("the bundle has more than {limit} bytes with the delta; publish a smaller snapshot")]
    TooLarge {
        /// The bound, as for whole bundles.
        limit: u64,
    },
}
