//! DPoP proofs: the RFC's own, and each way in which a text is none.

mod support;

use postern_jose::{
    Algorithm, DpopProof, DpopProofError, DpopProofRef, JwkError, LocalSigner, MAX_DPOP_PROOF_BYTES,
    MAX_JTI_BYTES, Signer, TokenError, UnixTime,
};
use serde_json::{Map, Value, json};
use support::{object, signed, signed_text, signer, to_text};

fn header(signer: &LocalSigner) -> Map<String, Value> {
    let mut jwk = signer.public_jwk().to_object();
    // What clients write: the key and nothing else.
    jwk.retain(|name, _| ["kty", "crv", "x", "y", "n", "e"].contains(&name.as_str()));
    object(json!({ "typ": "dpop+jwt", "alg": signer.algorithm().as_str(), "jwk": jwk }))
}

fn claims() -> Map<String, Value> {
    object(json!({ "jti": "1", "htm": "GET", "htu": "https://a.example/x", "iat": 1_800_000_000 }))
}

fn verified(proof: &str) -> Result<DpopProof, DpopProofError> {
    DpopProofRef::parse(proof)?.verify(&Algorithm::ALL)
}

/// A proof with its header changed, signed for real.
fn with_header(
    signer: &LocalSigner,
    change: impl FnOnce(&mut Map<String, Value>),
) -> Result<DpopProof, DpopProofError> {
    let mut header = header(signer);
    change(&mut header);
    verified(&signed(signer, &header, &claims()))
}

fn with_claim(name: &str, value: Option<Value>) -> Result<DpopProof, DpopProofError> {
    let signer = signer(Algorithm::ES256);
    let mut claims = claims();
    match value {
        Some(value) => claims.insert(name.to_owned(), value),
        None => claims.remove(name),
    };
    verified(&signed(&signer, &header(&signer), &claims))
}

#[test]
fn the_proofs_of_rfc_9449_are_read() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/rfc.json")).unwrap();
    for vector in vectors["dpop"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str();
        let proof = verified(text("proof").unwrap()).unwrap();
        let source = text("source").unwrap();
        assert_eq!(Some(proof.thumbprint()), text("jkt"), "{source}");
        assert_eq!(Some(proof.jti()), text("jti"), "{source}");
        assert_eq!(Some(proof.htm()), text("htm"), "{source}");
        assert_eq!(Some(proof.htu()), text("htu"), "{source}");
        assert_eq!(Some(proof.iat().0), vector["iat"].as_i64(), "{source}");
        assert_eq!(proof.ath(), text("ath"), "{source}");
        assert_eq!(proof.nonce(), None, "{source}");
    }
}

#[test]
fn a_proof_by_every_algorithm_is_verified_with_its_own_key() {
    for algorithm in Algorithm::ALL {
        let signer = signer(algorithm);
        let proof = verified(&signed(&signer, &header(&signer), &claims())).unwrap();
        assert_eq!(proof.thumbprint(), signer.public_jwk().thumbprint());
    }
}

#[test]
fn an_algorithm_that_is_not_allowed_or_not_the_keys_is_refused() {
    let signer = signer(Algorithm::ES256);
    let proof = signed(&signer, &header(&signer), &claims());
    let refused = DpopProofRef::parse(&proof).unwrap().verify(&[Algorithm::EdDSA]);
    let algorithm_refused = Err(DpopProofError::Signature(TokenError::AlgorithmRefused));
    assert_eq!(refused, algorithm_refused);
    for name in ["none", "HS256", "ES384", "RS256", "es256"] {
        let refused = with_header(&signer, |header| {
            header.insert("alg".to_owned(), name.into());
        });
        assert_eq!(refused, algorithm_refused, "{name}");
    }
}

#[test]
fn another_type_is_no_proof() {
    let signer = signer(Algorithm::ES256);
    for typ in [
        Some("JWT"),
        Some("at+jwt"),
        Some("dpop"),
        Some("DPOP+JWT"),
        Some(""),
        None,
    ] {
        let refused = with_header(&signer, |header| {
            header.remove("typ");
            header.extend(typ.map(|typ| ("typ".to_owned(), typ.into())));
        });
        assert_eq!(refused, Err(DpopProofError::WrongType), "{typ:?}");
    }
}

#[test]
fn the_key_must_be_there_public_and_sound() {
    let signer = signer(Algorithm::ES256);
    for (name, value, error) in [
        ("d", Some("AA"), JwkError::PrivateMaterial),
        ("k", Some("AA"), JwkError::PrivateMaterial),
        ("y", None, JwkError::Member("y")),
        ("kty", Some("oct"), JwkError::Symmetric),
        ("use", Some("enc"), JwkError::NotForSignatures),
    ] {
        let refused = with_header(&signer, |header| {
            let jwk = header.get_mut("jwk").and_then(Value::as_object_mut).unwrap();
            jwk.remove(name);
            jwk.extend(value.map(|value| (name.to_owned(), value.into())));
        });
        assert_eq!(refused, Err(DpopProofError::Key(error)), "{name}");
    }
    for jwk in [None, Some(json!("key")), Some(json!([])), Some(Value::Null)] {
        let refused = with_header(&signer, |header| {
            header.remove("jwk");
            header.extend(jwk.clone().map(|jwk| ("jwk".to_owned(), jwk)));
        });
        assert_eq!(
            refused,
            Err(DpopProofError::Key(JwkError::NotAnObject)),
            "{jwk:?}"
        );
    }
}

#[test]
fn a_key_beside_the_one_in_jwk_and_extensions_are_refused() {
    let signer = signer(Algorithm::ES256);
    for name in ["jku", "x5u", "x5c"] {
        let refused = with_header(&signer, |header| {
            header.insert(name.to_owned(), "https://a.example".into());
        });
        let error = TokenError::KeyChoiceRefused(name);
        assert_eq!(refused, Err(DpopProofError::Signature(error)));
    }
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
    ] {
        let refused = with_header(&signer, |header| {
            header.insert(name.to_owned(), value);
        });
        assert_eq!(
            refused,
            Err(DpopProofError::Signature(TokenError::CritRefused)),
            "{name}"
        );
    }
}

#[test]
fn a_proof_signed_by_another_key_than_its_own_proves_nothing() {
    let (mine, theirs) = (signer(Algorithm::ES256), signer(Algorithm::ES256));
    let refused = verified(&signed(&mine, &header(&theirs), &claims()));
    assert_eq!(refused, Err(DpopProofError::Signature(TokenError::BadSignature)));
}

#[test]
fn claims_must_be_there_and_of_their_type() {
    for name in ["jti", "htm", "htu", "iat"] {
        for value in [None, Some(Value::Null), Some(json!(["x"])), Some(json!(true))] {
            assert_eq!(
                with_claim(name, value.clone()),
                Err(DpopProofError::Claim(name)),
                "{value:?}"
            );
        }
    }
    assert_eq!(
        with_claim("iat", Some("1800000000".into())),
        Err(DpopProofError::Claim("iat"))
    );
    for name in ["ath", "nonce"] {
        assert_eq!(with_claim(name, Some(json!(1))), Err(DpopProofError::Claim(name)));
        assert!(with_claim(name, Some("x".into())).is_ok());
    }
    assert_eq!(
        with_claim("iat", Some(json!(1_799_999_999.5))).map(|proof| proof.iat()),
        Ok(UnixTime(1_800_000_000))
    );
}

#[test]
fn the_limits_are_exact() {
    let jti = |bytes| with_claim("jti", Some("j".repeat(bytes).into())).map(drop);
    assert_eq!(jti(0), Err(DpopProofError::JtiLength));
    assert_eq!(jti(1), Ok(()));
    assert_eq!(jti(MAX_JTI_BYTES), Ok(()));
    assert_eq!(jti(MAX_JTI_BYTES + 1), Err(DpopProofError::JtiLength));

    let long = "a".repeat(MAX_DPOP_PROOF_BYTES + 1);
    assert_eq!(verified(&long), Err(DpopProofError::TooLong));
    assert!(matches!(verified(&long[1..]), Err(DpopProofError::Malformed(_))));
}

#[test]
fn what_has_two_readings_is_malformed() {
    let signer = signer(Algorithm::ES256);
    let (header, claims) = (to_text(&header(&signer)), to_text(&claims()));
    for (header, claims) in [
        (header.replacen('{', r#"{"typ":"JWT","#, 1), claims.clone()),
        (header.clone(), claims.replacen('{', r#"{"htm":"POST","#, 1)),
        (header.clone(), format!("{claims}{claims}")),
        (header.clone(), "[]".to_owned()),
        (
            header.clone(),
            claims.replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(40), "]".repeat(40)), 1),
        ),
    ] {
        let refused = verified(&signed_text(&signer, &header, &claims));
        assert!(
            matches!(refused, Err(DpopProofError::Malformed(_))),
            "{header} {claims}: {refused:?}"
        );
    }
    for text in ["", ".", "..", "a.b.c", "a.b.c.d"] {
        assert!(
            matches!(verified(text), Err(DpopProofError::Malformed(_))),
            "{text}"
        );
    }
}
