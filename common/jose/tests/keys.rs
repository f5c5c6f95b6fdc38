//! Keys: read, refused, written, generated.

mod support;

use postern_jose::{
    Algorithm, Jwk, JwkError, JwkSet, JwkSetError, KeySet, LocalSigner, MAX_JWKS_BYTES, MAX_JWKS_KEYS,
    SignError, Signer, TokenError, pem, sign_compact, verify_compact,
};
use serde_json::{Map, Value, json};

fn public(algorithm: Algorithm) -> Map<String, Value> {
    support::signer(algorithm).public_jwk().to_object()
}

fn with(key: &Map<String, Value>, name: &str, value: Value) -> String {
    let mut key = key.clone();
    key.insert(name.to_owned(), value);
    support::to_text(&key)
}

#[test]
fn every_algorithm_signs_and_its_published_key_verifies() {
    for algorithm in Algorithm::ALL {
        let signer = support::signer(algorithm);
        assert_eq!(signer.key_id(), signer.public_jwk().thumbprint());
        let token = sign_compact(&signer, Some("x"), b"any bytes").unwrap();
        let published = JwkSet::parse(JwkSet::new([signer.public_jwk()]).to_json().as_bytes()).unwrap();
        assert_eq!(published.keys(), [signer.public_jwk()]);
        let keys = KeySet::from_jwks(&published);
        assert_eq!(verify_compact(&token, &keys, &[algorithm]).unwrap(), b"any bytes");
        let other = LocalSigner::generate(Algorithm::ES256).unwrap().public_jwk();
        let other = KeySet::from_jwks(&JwkSet::new([other]));
        assert_eq!(
            verify_compact(&token, &other, &[algorithm]),
            Err(TokenError::KeyUnknown)
        );
    }
}

#[test]
fn an_rsa_key_can_be_made_too() {
    let signer = LocalSigner::generate(Algorithm::PS512).unwrap();
    let token = sign_compact(&signer, None, b"x").unwrap();
    assert!(
        verify_compact(
            &token,
            &KeySet::from_jwks(&JwkSet::new([signer.public_jwk()])),
            &[Algorithm::PS512]
        )
        .is_ok()
    );
}

#[test]
fn a_private_key_goes_to_pkcs8_and_back_and_never_shows_itself() {
    for algorithm in [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::ES512,
        Algorithm::EdDSA,
        Algorithm::RS256,
    ] {
        let signer = support::signer(algorithm);
        let text = signer.to_pkcs8_pem().unwrap();
        let again = LocalSigner::from_pkcs8_pem(None, &text).unwrap();
        assert_eq!(again.algorithm(), algorithm);
        assert_eq!(again.public_jwk(), signer.public_jwk());
        let named = LocalSigner::from_pkcs8(Some("mine"), &signer.to_pkcs8().unwrap()).unwrap();
        assert_eq!(
            (named.key_id(), named.public_jwk().key_id()),
            ("mine", Some("mine"))
        );

        let shown = format!("{signer:?}");
        let secret = text.lines().nth(1).unwrap();
        assert!(
            shown.contains(signer.key_id()) && !shown.contains(secret),
            "{shown}"
        );
    }
}

#[test]
fn what_is_no_private_key_is_refused_with_the_form_that_is_expected() {
    let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
    let der = signer.to_pkcs8().unwrap();
    for bytes in [&b""[..], b"\x30\x00", &der[1..], &der[..der.len() - 1]] {
        assert!(matches!(
            LocalSigner::from_pkcs8(None, bytes),
            Err(SignError::NotAKey(_))
        ));
    }
    assert_eq!(
        LocalSigner::from_pkcs8_for(Algorithm::ES384, None, &der).err(),
        Some(SignError::NotAKey("ES384"))
    );
    let public = signer.public_jwk().to_spki_pem().unwrap();
    let message = LocalSigner::from_pkcs8_pem(None, &public)
        .unwrap_err()
        .to_string();
    assert_eq!(message, "expected a PEM `PRIVATE KEY`, found a public key");
}

#[test]
fn public_keys_go_to_pem_and_back() {
    for algorithm in Algorithm::ALL {
        let key = support::signer(algorithm).public_jwk();
        let again = Jwk::from_spki_pem(&key.to_spki_pem().unwrap()).unwrap();
        assert_eq!(again.thumbprint(), key.thumbprint());
        assert_eq!((again.key_id(), again.algorithm()), (None, None));
        assert!(again.algorithms().any(|of_its_kind| of_its_kind == algorithm));
    }
}

#[test]
fn every_other_encoding_of_a_public_key_is_refused_without_panic() {
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256] {
        let key = support::signer(algorithm).public_jwk();
        let der = pem::decode(pem::PUBLIC_KEY, &key.to_spki_pem().unwrap()).unwrap();
        for end in 0..der.len() {
            assert!(Jwk::from_spki_der(&der[..end]).is_err(), "{end}");
        }
        assert!(Jwk::from_spki_der(&[&der[..], b"\0"].concat()).is_err());
        for at in 0..der.len() {
            let mut changed = der.to_vec();
            changed[at] ^= 0x80;
            // Another point of the curve or another modulus may be a key too; it must then not be this one.
            if let Ok(other) = Jwk::from_spki_der(&changed) {
                assert_ne!(other.thumbprint(), key.thumbprint(), "{at}");
            }
        }
    }
}

#[test]
fn pem_is_one_block_of_the_right_label() {
    let good = pem::encode(pem::PUBLIC_KEY, &[7; 100]);
    assert_eq!(pem::decode(pem::PUBLIC_KEY, &good).unwrap().as_slice(), [7; 100]);
    assert_eq!(
        pem::decode(pem::PUBLIC_KEY, &good.replace('\n', "\r\n"))
            .unwrap()
            .as_slice(),
        [7; 100]
    );
    for bad in [
        String::new(),
        "no pem".to_owned(),
        good.repeat(2),
        good.replace("-----END", "-----FIN"),
        good.replace("PUBLIC KEY-----\n", "PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"),
        good.replace('B', "!"),
        good.replace("PUBLIC", "PRIVATE"),
        "x".repeat(100_000),
    ] {
        assert!(pem::decode(pem::PUBLIC_KEY, &bad).is_err(), "{bad}");
    }
    let old = good.replace("PUBLIC KEY", "RSA PUBLIC KEY");
    assert!(
        pem::decode(pem::PUBLIC_KEY, &old)
            .unwrap_err()
            .to_string()
            .contains("openssl rsa")
    );
}

#[test]
fn a_jwk_that_breaks_a_rule_is_refused_by_name() {
    let ec = public(Algorithm::ES256);
    let other = public(Algorithm::ES256);
    let p384 = public(Algorithm::ES384);
    let ed = public(Algorithm::EdDSA);
    let rsa = public(Algorithm::RS256);
    let mut short = support::decode(rsa["n"].as_str().unwrap());
    short.truncate(128);
    short.push(1);
    let mut even = support::decode(rsa["n"].as_str().unwrap());
    *even.last_mut().unwrap() &= 0xfe;
    let zero_led = [&[0][..], &support::decode(rsa["n"].as_str().unwrap())].concat();
    for (text, reason) in [
        ("[]".to_owned(), JwkError::NotAnObject),
        ("{}".to_owned(), JwkError::Member("kty")),
        (r#"{"kty":"EC","kty":"EC"}"#.to_owned(), JwkError::NotAnObject),
        (with(&ec, "kty", json!("XX")), JwkError::UnsupportedType),
        (with(&ec, "kty", json!("ec")), JwkError::UnsupportedType),
        (with(&ec, "crv", json!("P-256K")), JwkError::UnsupportedType),
        (with(&ec, "crv", json!("P-384")), JwkError::UnsoundKey),
        (with(&ec, "x", json!(1)), JwkError::Member("x")),
        (with(&ec, "y", json!("not base64url!")), JwkError::Member("y")),
        (with(&ec, "x", json!("AA")), JwkError::UnsoundKey),
        (with(&ec, "x", other["x"].clone()), JwkError::UnsoundKey),
        (with(&ec, "y", p384["y"].clone()), JwkError::UnsoundKey),
        (with(&ec, "use", json!("enc")), JwkError::NotForSignatures),
        (with(&ec, "use", json!(1)), JwkError::NotForSignatures),
        (with(&ec, "key_ops", json!(["sign"])), JwkError::NotForSignatures),
        (with(&ec, "key_ops", json!("verify")), JwkError::NotForSignatures),
        (with(&ec, "alg", json!("ES384")), JwkError::AlgorithmMismatch),
        (with(&ec, "alg", json!("HS256")), JwkError::AlgorithmMismatch),
        (with(&ec, "alg", json!("none")), JwkError::AlgorithmMismatch),
        (with(&ec, "alg", json!(1)), JwkError::Member("alg")),
        (with(&ec, "kid", json!(1)), JwkError::Member("kid")),
        (with(&ec, "d", Value::Null), JwkError::PrivateMaterial),
        (with(&ec, "k", json!("AA")), JwkError::PrivateMaterial),
        (with(&rsa, "qi", json!("AA")), JwkError::PrivateMaterial),
        (with(&ed, "crv", json!("X25519")), JwkError::UnsupportedType),
        (with(&ed, "crv", json!("Ed448")), JwkError::UnsupportedType),
        (with(&ed, "x", json!("AA")), JwkError::UnsoundKey),
        (with(&ed, "alg", json!("ES256")), JwkError::AlgorithmMismatch),
        (with(&rsa, "n", json!(support::encode(short))), JwkError::RsaSize),
        (
            with(&rsa, "n", json!(support::encode(even))),
            JwkError::UnsoundKey,
        ),
        (
            with(&rsa, "n", json!(support::encode(zero_led))),
            JwkError::UnsoundKey,
        ),
        (with(&rsa, "n", json!("")), JwkError::UnsoundKey),
        (with(&rsa, "e", json!("AQ")), JwkError::UnsoundKey),
        (with(&rsa, "e", json!("BA")), JwkError::UnsoundKey),
        (with(&rsa, "e", json!("AQABAQABAQ")), JwkError::UnsoundKey),
        (r#"{"kty":"oct","k":"AA"}"#.to_owned(), JwkError::Symmetric),
    ] {
        assert_eq!(Jwk::parse(&text).err(), Some(reason), "{text}");
    }
    for good in [&ec, &p384, &ed, &rsa] {
        assert!(Jwk::parse(&support::to_text(good)).is_ok());
        assert!(Jwk::parse(&with(good, "key_ops", json!(["verify"]))).is_ok());
        assert!(Jwk::parse(&with(good, "x5t", json!("ignored"))).is_ok());
    }
}

#[test]
fn a_set_leaves_out_what_it_cannot_use_and_says_so() {
    let good = public(Algorithm::ES256);
    let set = json!({ "keys": [
        { "kty": "AKP", "kid": "pq", "pub": "AA" }, good, { "kty": "oct", "k": "AA" }, { "kid": "x" },
    ], "extra": 1 });
    let set = JwkSet::parse(set.to_string().as_bytes()).unwrap();
    assert_eq!(set.keys().len(), 1);
    let skipped: Vec<_> = set
        .skipped()
        .iter()
        .map(|key| (key.index, key.key_id.as_deref(), key.reason))
        .collect();
    assert_eq!(
        skipped,
        [
            (0, Some("pq"), JwkError::UnsupportedType),
            (2, None, JwkError::Symmetric),
            (3, Some("x"), JwkError::Member("kty")),
        ]
    );
    let keys = KeySet::from_jwks(&set);
    assert_eq!(
        (
            keys.len(),
            keys.contains("pq"),
            keys.contains(good["kid"].as_str().unwrap())
        ),
        (1, false, true)
    );
}

#[test]
fn a_set_that_leaks_a_private_key_of_any_kind_is_refused_whole() {
    let good = public(Algorithm::ES256);
    for leak in [
        json!({ "kty": "AKP", "priv": "AA" }),
        json!({ "kty": "XX", "d": 1 }),
        json!({ "oth": [] }),
    ] {
        let set = json!({ "keys": [good, leak] }).to_string();
        assert_eq!(
            JwkSet::parse(set.as_bytes()),
            Err(JwkSetError::PrivateMaterial(1)),
            "{set}"
        );
    }
}

#[test]
fn what_is_no_set_or_too_large_a_one_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[],"keys":[]}"#,
        "{\"keys\":[]} x",
        "\u{feff}{}",
    ] {
        assert_eq!(
            JwkSet::parse(text.as_bytes()),
            Err(JwkSetError::NotAKeySet),
            "{text}"
        );
    }
    assert_eq!(JwkSet::parse(b"{\"keys\":[\xff]}"), Err(JwkSetError::NotAKeySet));
    let many = |count: usize| format!("{{\"keys\":[{}]}}", vec!["{}"; count].join(","));
    assert_eq!(
        JwkSet::parse(many(MAX_JWKS_KEYS + 1).as_bytes()),
        Err(JwkSetError::TooManyKeys)
    );
    assert_eq!(
        JwkSet::parse(many(MAX_JWKS_KEYS).as_bytes())
            .unwrap()
            .skipped()
            .len(),
        MAX_JWKS_KEYS
    );
    assert_eq!(
        JwkSet::parse(&vec![b' '; MAX_JWKS_BYTES + 1]),
        Err(JwkSetError::TooLarge)
    );
    assert!(KeySet::from_jwks(&JwkSet::parse(br#"{"keys":[]}"#).unwrap()).is_empty());
}

#[test]
fn sets_agree_on_a_token_whose_key_both_would_choose() {
    let keys = |signers: &[&LocalSigner]| {
        KeySet::from_jwks(&JwkSet::new(signers.iter().map(|signer| signer.public_jwk())))
    };
    let kept = LocalSigner::generate(Algorithm::ES256).unwrap();
    let removed = LocalSigner::generate(Algorithm::ES256).unwrap();
    let added = LocalSigner::generate(Algorithm::EdDSA).unwrap();
    let before = keys(&[&kept, &removed]);
    let after = keys(&[&added, &kept]);
    let agree = |key_id, algorithm| before.agrees_with(&after, key_id, algorithm);
    assert!(agree(Some(kept.key_id()), Algorithm::ES256));
    assert!(!agree(Some(kept.key_id()), Algorithm::ES384), "held for another");
    assert!(!agree(Some(removed.key_id()), Algorithm::ES256), "removed");
    assert!(!agree(Some(added.key_id()), Algorithm::EdDSA), "only added");
    assert!(!agree(None, Algorithm::ES256), "ambiguous before");
    assert!(
        keys(&[&kept]).agrees_with(&after, None, Algorithm::ES256),
        "the one of its kind in both"
    );
    assert!(!keys(&[&removed]).agrees_with(&after, None, Algorithm::ES256));
}
