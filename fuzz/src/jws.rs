//! A token. As compact JWS: whatever the text, only what the RFCs' keys signed verifies with them. As two lines, header and
//! payload, that a trusted key has signed: what is accepted is what was expected, and comes back as it was signed.

use std::sync::LazyLock;

use postern_jose::{
    Algorithm, CompactRef, Expectations, JwkSet, KeySet, MAX_TOKEN_BYTES, TokenRef, UnixTime, verify,
    verify_compact,
};
use serde_json::{Value, json};

use crate::known::{SIGNER, VECTORS, signed, signing_input};

const NOW: UnixTime = UnixTime(1_800_000_000);
const LEEWAY: i64 = 30;

static RFC_KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let signatures = VECTORS["signatures"].as_array().expect("a list");
    let keys: Vec<_> = signatures.iter().map(|vector| vector["key"].clone()).collect();
    let set = JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes());
    KeySet::from_jwks(&set.expect("a key set"))
});

static OUR_KEYS: LazyLock<KeySet> = LazyLock::new(|| KeySet::from_jwks(&JwkSet::new([SIGNER.public_jwk()])));

static EXPECTED: LazyLock<Expectations> = LazyLock::new(|| Expectations {
    issuer: "https://a".to_owned(),
    audiences: vec!["x".to_owned()],
    algorithms: Algorithm::ALL.to_vec(),
    types: vec!["at+jwt".to_owned()],
    leeway_seconds: 30,
    required_claims: vec!["sub".to_owned()],
});

/// Reads `data` as a token.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.split_once('\n') {
        None => as_it_came(text),
        Some((header, payload)) => as_signed(header, payload),
    }
}

fn as_it_came(text: &str) {
    if verify_compact(text, &RFC_KEYS, &Algorithm::ALL).is_ok() {
        let known = VECTORS["signatures"].as_array().expect("a list");
        let known = known.iter().filter_map(|vector| vector["jws"].as_str());
        assert!(
            known.map(signing_input).any(|input| input == signing_input(text)),
            "verified, and nobody signed it: {text}"
        );
    }
    if let Ok(compact) = CompactRef::parse(text) {
        assert_eq!(text.matches('.').count(), 2);
        assert!(compact.header().members().contains_key("alg"));
    }
    if let Ok(token) = TokenRef::parse(text) {
        assert!(text.len() <= MAX_TOKEN_BYTES);
        let issuer = token.claimed_issuer().map(Value::from);
        assert_eq!(token.unverified_claims().get("iss"), issuer.as_ref());
    }
}

fn as_signed(header: &str, payload: &str) {
    let text = signed(header, payload);
    let Ok(token) = TokenRef::parse(&text) else {
        return;
    };
    let Ok(verified) = verify(&token, &OUR_KEYS, &EXPECTED, NOW) else {
        return;
    };
    assert_eq!(verified.claims_json(), payload);
    // The same conditions, said once more on what another reader makes of the same text.
    let header: Value = serde_json::from_str(header).expect("JSON");
    let claims: Value = serde_json::from_str(payload).expect("JSON");
    assert_eq!(header["alg"], "EdDSA");
    for member in ["crit", "jwk", "jku", "x5u", "x5c"] {
        assert!(header.get(member).is_none(), "{member}");
    }
    let typ = header["typ"].as_str().unwrap_or_default().to_ascii_lowercase();
    assert!(["at+jwt", "application/at+jwt"].contains(&typ.as_str()), "{typ}");
    assert!(header["kid"] == "fuzz" || header.get("kid").is_none());
    assert_eq!(claims["iss"], "https://a");
    assert!(
        claims["aud"] == "x"
            || claims["aud"]
                .as_array()
                .is_some_and(|list| list.contains(&json!("x")))
    );
    assert!(claims["sub"].is_string());
    let number = |name: &str| claims[name].as_f64();
    let (now, leeway) = (NOW.0 as f64, LEEWAY as f64);
    assert!(number("exp").is_some_and(|exp| exp > now - leeway));
    for begins in ["nbf", "iat"] {
        assert!(number(begins).is_none_or(|time| time <= now + leeway), "{begins}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else mutations of it would all be stopped at the door.
    #[test]
    fn the_seed_is_accepted() {
        let (header, payload) = include_str!("../corpus/jws/signed")
            .split_once('\n')
            .expect("two lines");
        let text = signed(header, payload);
        let token = TokenRef::parse(&text).expect("a token");
        assert!(verify(&token, &OUR_KEYS, &EXPECTED, NOW).is_ok());
    }
}
