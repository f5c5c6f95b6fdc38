//! A JWK set as an issuer publishes it: what is read is public and sound, and reads the same when it is written again.

use postern_jose::{Jwk, JwkSet, KeySet};

/// Reads `data` as a key set.
pub fn run(data: &[u8]) {
    let Ok(set) = JwkSet::parse(data) else {
        return;
    };
    let written = set.to_json();
    let again = JwkSet::parse(written.as_bytes()).expect("what was written is a key set");
    assert_eq!(again.keys(), set.keys());
    assert!(again.skipped().is_empty(), "{:?}", again.skipped());
    for key in set.keys() {
        check(key);
    }
    let compiled = KeySet::from_jwks(&set);
    assert_eq!(compiled.len(), set.keys().len());
    for key_id in set.keys().iter().filter_map(Jwk::key_id) {
        assert!(compiled.contains(key_id));
    }
}

fn check(key: &Jwk) {
    assert_eq!(key.thumbprint().len(), 43);
    assert!(key.algorithms().next().is_some());
    if let Some(algorithm) = key.algorithm() {
        assert!(key.algorithms().eq([algorithm]));
    }
    let members = key.to_object();
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "priv", "k"] {
        assert!(!members.contains_key(private), "{private} came through");
    }
    let pem = key.to_spki_pem().expect("a sound key has an encoding");
    let from_pem = Jwk::from_spki_pem(&pem).expect("of which it can be read again");
    assert_eq!(from_pem.thumbprint(), key.thumbprint());
}
