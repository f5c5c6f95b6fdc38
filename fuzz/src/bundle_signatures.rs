//! `.signatures.json` as a server sends it: whatever it says, a bundle passes only if our key signed what is in it.

use std::sync::LazyLock;

use postern_jose::{Algorithm, Jwk};
use postern_policy::bundle::{Bundle, BundleError, Limits, Verification, VerificationKey};

/// The key that the corpus was signed with; its private half is nowhere.
const KEY: &str = include_str!("../signatures/key.json");
const SIGNATURES: &str = ".signatures.json";

static VERIFICATION: LazyLock<Verification> = LazyLock::new(|| {
    let key = Jwk::parse(KEY).expect("a key");
    let key = VerificationKey::new("k", Algorithm::ES256, key).expect("one that signs so");
    Verification::keys([key]).expect("keys")
});

fn read(signatures: &[u8], data: &[u8]) -> Result<Bundle, BundleError> {
    let files = [
        (".manifest", MANIFEST),
        ("data.json", data),
        (SIGNATURES, signatures),
    ];
    let files = files.map(|(path, content)| (path.to_owned(), content.to_vec()));
    Bundle::of_files(files, &VERIFICATION, &Limits::default())
}

const MANIFEST: &[u8] = br#"{"revision":"r1","roots":["orders"]}"#;
/// What was signed.
const SIGNED: &[u8] = br#"{"orders":{"open":true}}"#;
/// What wasn't.
const OTHER: &[u8] = br#"{"orders":{"open":null}}"#;

/// Reads two bundles that have `data` for their signatures.
pub fn run(data: &[u8]) {
    match read(data, SIGNED) {
        Ok(bundle) => assert_eq!(bundle.signed_by(), Some("k")),
        Err(error) => assert!(!error.to_string().contains(['\n', '\r']), "{error}"),
    }
    assert!(read(data, OTHER).is_err(), "nobody signed this");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else nothing of the corpus would come as far as a signature.
    #[test]
    fn the_seed_is_a_signature() {
        let seed = include_bytes!("../corpus/bundle_signatures/good");
        assert_eq!(read(seed, SIGNED).expect("signed").signed_by(), Some("k"));
    }
}
