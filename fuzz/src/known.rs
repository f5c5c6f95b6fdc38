//! The RFCs' own keys, tokens and proofs, which are in the corpora too, and a key of theirs to sign with: behind base64url
//! and a signature, no mutation reaches the JSON, so a target may be handed that as lines and makes the JWS itself.

use std::sync::LazyLock;

use postern_jose::{LocalSigner, Signer as _, base64url};
use serde_json::Value;

/// The examples that the tests of `postern-jose` use, with the sections that they are from.
pub(crate) static VECTORS: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../common/jose/tests/vectors/rfc.json");
    serde_json::from_str(text).expect("the vectors are JSON")
});

/// The key of RFC 8037, appendix A.
pub(crate) static SIGNER: LazyLock<LocalSigner> = LazyLock::new(|| {
    let seed = VECTORS["private"][2]["key"]["d"]
        .as_str()
        .and_then(base64url::decode);
    // RFC 8410 §7: what stands before the 32 bytes in PKCS#8.
    let mut pkcs8 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    pkcs8.extend(seed.expect("the private key"));
    LocalSigner::from_pkcs8(Some("fuzz"), &pkcs8).expect("a key")
});

/// A JWS of this header and payload, signed by [`SIGNER`] whatever the header says.
pub(crate) fn signed(header: &str, payload: &str) -> String {
    let input = [header, payload]
        .map(|part| base64url::encode(part.as_bytes()))
        .join(".");
    let signature = SIGNER.sign(input.as_bytes()).expect("a signature");
    format!("{input}.{}", base64url::encode(&signature))
}

/// What of a JWS is signed. ECDSA has two encodings of one signature, so this is what identifies one.
pub(crate) fn signing_input(jws: &str) -> &str {
    jws.rsplit_once('.').map_or(jws, |(input, _)| input)
}
