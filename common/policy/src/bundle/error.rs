//! Why a bundle is refused. Each text says what was found and what to do about it; none holds file contents.

use super::DeltaError;

/// A refusal of a bundle: whoever serves one keeps the last good one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// More than [`Limits`](super::Limits) allow.
    #[error("the bundle has more than {limit} {what}")]
    TooLarge {
        /// The unit that was counted.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// A file larger than [`Limits`](super::Limits) allow, in OPA's words.
    #[error(
        "bundle read failed: bundle file {path} size ({size} bytes) exceeds configured size_limit_bytes ({limit} bytes)"
    )]
    FileTooLarge {
        /// As it stands in the archive.
        path: String,
        /// What it says that it has, in bytes.
        size: u64,
        /// The bound.
        limit: u64,
    },
    /// Not a gzipped tar, cut short, or damaged.
    #[error("the bundle is not a sound gzipped tar archive: {0}")]
    Archive(String),
    /// A path that leaves the archive, or that two readers could read differently.
    #[error("the path `{path}` in the bundle is refused: {why}")]
    Path {
        /// As it stands in the archive.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A link, a device, or another entry that is neither a file nor a folder.
    #[error("`{path}` in the bundle is a {kind}; a bundle holds files and folders only")]
    NotAFile {
        /// As it stands in the archive.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// One path, two files.
    #[error("`{path}` is in the bundle twice")]
    Duplicate {
        /// The path, without a leading slash.
        path: String,
    },
    /// A part of OPA's format that isn't read here.
    #[error("the bundle has `{path}`: {what}")]
    Unsupported {
        /// The file.
        path: String,
        /// What it is, and what to use in its place.
        what: &'static str,
    },
    /// `.manifest` is not what it should be.
    #[error("`.manifest`: {0}")]
    Manifest(String),
    /// A data file is not JSON, or doesn't fit with the others.
    #[error("`{path}`: {problem}")]
    Data {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// Data that the manifest's roots don't cover.
    #[error("data at `{path}` is outside the bundle's roots ({roots}); add the root or move the data")]
    OutsideRoots {
        /// Slash-separated.
        path: String,
        /// As the manifest has them.
        roots: String,
    },
    /// A signature is required, and there is none.
    #[error(
        "the bundle has no signature (.signatures.json); sign it: `postern bundle sign --signing-key FILE …`"
    )]
    SignatureMissing,
    /// `.signatures.json` isn't of OPA's form.
    #[error("`.signatures.json`: {0}")]
    SignatureForm(String),
    /// Neither the token's header nor its payload says which key signed.
    #[error("the signature names no key (`kid` in its header or `keyid` in its payload)")]
    KeyIdMissing,
    /// Signed with a key that isn't configured.
    #[error("the bundle is signed with key `{key_id}`, which is not among the verification keys ({known})")]
    KeyUnknown {
        /// As the signature names it.
        key_id: String,
        /// What is configured.
        known: String,
    },
    /// The signature was not made by the key that it names.
    #[error("the signature is not by key `{key_id}`: {why}")]
    SignatureWrong {
        /// The key that it names.
        key_id: String,
        /// In which way verification failed.
        why: String,
    },
    /// The signature is for another purpose.
    #[error("the signature's scope is {}, and key `{key_id}` is for {}", scope_name(.found), scope_name(.expected))]
    ScopeWrong {
        /// The key.
        key_id: String,
        /// In the signature; empty for none.
        found: String,
        /// In the configuration; empty for none.
        expected: String,
    },
    /// What OPA's configuration says of signatures isn't met, in OPA's words.
    #[error("{0}")]
    AsOpa(String),
    /// A file's digest is not the signed one.
    #[error("`{path}` was changed after the bundle was signed")]
    FileChanged {
        /// The file.
        path: String,
    },
    /// A file that the signature doesn't cover.
    #[error("`{path}` is in the bundle, but its signature doesn't cover it")]
    FileNotSigned {
        /// The file.
        path: String,
    },
    /// A file that the signature covers and the archive lacks.
    #[error("the signature covers `{path}`, which is not in the bundle")]
    FileMissing {
        /// The file.
        path: String,
    },
    /// A digest algorithm that is weak or unknown.
    #[error(
        "`{path}` is signed by its {algorithm} digest; expected SHA-224, SHA-256, SHA-384, SHA-512 or SHA-512-256"
    )]
    DigestAlgorithm {
        /// The file.
        path: String,
        /// As the signature has it.
        algorithm: String,
    },
    /// A delta isn't what it must be.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// A key given for verification or signing can't be used.
    #[error("key `{key_id}`: {problem}")]
    Key {
        /// Its id.
        key_id: String,
        /// What is wrong.
        problem: String,
    },
    /// The signer failed.
    #[error("the bundle can't be signed: {0}")]
    Sign(String),
}

fn scope_name(scope: &str) -> String {
    if scope.is_empty() {
        "empty".to_owned()
    } else {
        format!("`{scope}`")
    }
}
