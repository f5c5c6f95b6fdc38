//! Each reason to refuse a token, and beside it the token that differs only there and is accepted.

mod support;

use postern_jose::{
    Algorithm, JwkSet, KeySet, LocalSigner, MAX_TOKEN_BYTES, Signer, TokenError, TokenRef, UnixTime, verify,
};
use serde_json::{Value, json};
use support::{Issuer, LEEWAY, NOW, encode, parts, signed, signed_text, to_text};

fn issuer() -> Issuer {
    Issuer::new(Algorithm::ES256)
}

fn malformed(result: Result<impl Sized, TokenError>) -> bool {
    matches!(result.map(|_| ()), Err(TokenError::Malformed(_)))
}

#[test]
fn a_good_token_is_accepted_and_says_what_it_said() {
    for algorithm in Algorithm::ALL {
        let issuer = Issuer::new(algorithm);
        let token = issuer.accept(&issuer.token()).unwrap();
        assert_eq!(token.issuer(), "https://issuer.example");
        assert_eq!(token.subject(), Some("alice"));
        assert_eq!(token.client_id(), Some("app"));
        assert_eq!(token.jti(), Some("1"));
        assert_eq!(
            token.scopes().collect::<Vec<_>>(),
            ["orders:read", "orders:write"]
        );
        assert_eq!(token.expires_at(), NOW.plus_seconds(600));
        assert_eq!(token.kid(), Some(issuer.signer.key_id()));
        assert_eq!(token.algorithm(), algorithm);
        assert_eq!(token.claims(), &issuer.claims());
        assert_eq!(token.claims_json(), to_text(&issuer.claims()));
    }
}

#[test]
fn a_token_is_three_canonical_parts_and_nothing_else() {
    let issuer = issuer();
    let token = issuer.token();
    let [header, payload, signature] = parts(&token);
    for text in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{header}.{payload}"),
        format!("{token}."),
        format!("{token}.x"),
        format!(".{token}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}=.{payload}.{signature}"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{header}. {payload}.{signature}"),
        format!("Bearer {token}"),
        format!("{}.{payload}.{signature}", encode("[]")),
        format!("{}.{payload}.{signature}", encode("{\"alg\":\"ES256\"")),
        format!("{}.{payload}.{signature}", encode(b"\xff")),
        format!("{header}.{}.{signature}", encode("1")),
        format!("{header}.{}.{signature}", encode(b"{\"a\":\"\xff\"}")),
    ] {
        assert!(malformed(TokenRef::parse(&text)), "{text}");
    }
    assert!(TokenRef::parse(&token).is_ok());
}

#[test]
fn stray_bits_at_the_end_of_a_part_are_refused() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    // 64 bytes make 86 characters, the last of which carries 2 bits and 4 that must be zero.
    let token = issuer.token();
    let last = token.chars().last().unwrap();
    let stray = match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        _ => 'x',
    };
    let changed = format!("{}{stray}", &token[..token.len() - 1]);
    assert!(malformed(TokenRef::parse(&changed)), "{last}");
}

#[test]
fn more_than_16_kib_is_too_large_and_16_kib_is_not() {
    let issuer = issuer();
    let fill = |length: usize| {
        issuer.with_claims(|claims| drop(claims.insert("fill".into(), "x".repeat(length).into())))
    };
    let longest = (0..MAX_TOKEN_BYTES)
        .rev()
        .map(|by| fill(11_000 + by % 1_500))
        .find(|token| token.len() <= MAX_TOKEN_BYTES);
    assert!(longest.is_some_and(|token| token.len() > MAX_TOKEN_BYTES - 8 && issuer.accept(&token).is_ok()));
    assert_eq!(TokenRef::parse(&fill(20_000)).err(), Some(TokenError::TooLarge));
}

#[test]
fn a_header_or_payload_that_means_two_things_is_refused() {
    let issuer = issuer();
    let header = to_text(&issuer.header());
    let claims = to_text(&issuer.claims());
    let twice = |text: &str, member: &str| format!("{},{member}}}", text.trim_end_matches('}'));
    for (header, claims) in [
        (twice(&header, r#""alg":"none""#), claims.clone()),
        (twice(&header, r#""\u0061lg":"ES256""#), claims.clone()),
        (header.clone(), twice(&claims, r#""sub":"root""#)),
        (header.clone(), twice(&claims, r#""x":{"a":1,"a":2}"#)),
        (
            header.clone(),
            twice(&claims, &format!(r#""x":{}1{}"#, "[".repeat(32), "]".repeat(32))),
        ),
        (header.clone(), format!("{claims} x")),
        (header.clone(), format!("[{claims}]")),
    ] {
        assert!(
            malformed(issuer.accept(&signed_text(&issuer.signer, &header, &claims))),
            "{header} {claims}"
        );
    }
    let deep = twice(&claims, &format!(r#""x":{}1{}"#, "[".repeat(31), "]".repeat(31)));
    assert!(
        issuer
            .accept(&signed_text(&issuer.signer, &header, &deep))
            .is_ok()
    );
}

#[test]
fn members_of_the_wrong_json_type_are_refused() {
    let issuer = issuer();
    for (name, value) in [
        ("alg", json!(1)),
        ("alg", Value::Null),
        ("kid", json!(1)),
        ("kid", Value::Null),
        ("typ", json!([])),
    ] {
        let token = issuer.with_header(|header| drop(header.insert(name.into(), value)));
        assert!(malformed(issuer.accept(&token)), "{name}");
    }
    assert!(malformed(
        issuer.accept(&issuer.with_header(|header| drop(header.remove("alg"))))
    ));
    for name in ["iss", "sub", "client_id", "jti"] {
        let token = issuer.with_claims(|claims| drop(claims.insert(name.into(), json!(["alice"]))));
        assert!(malformed(issuer.accept(&token)), "{name}");
    }
    for name in ["exp", "nbf", "iat"] {
        let token = issuer.with_claims(|claims| drop(claims.insert(name.into(), json!("1800000000"))));
        assert!(malformed(issuer.accept(&token)), "{name}");
    }
    for audience in [json!(1), json!({}), json!(["urn:a", 1]), Value::Null] {
        let token = issuer.with_claims(|claims| drop(claims.insert("aud".into(), audience)));
        assert!(malformed(issuer.accept(&token)));
    }
}

#[test]
fn an_algorithm_must_be_allowed_and_be_the_keys() {
    let mut issuer = issuer();
    let token = issuer.token();
    issuer.expected.algorithms = vec![Algorithm::RS256, Algorithm::EdDSA];
    assert_eq!(issuer.accept(&token).err(), Some(TokenError::AlgorithmRefused));
    issuer.expected.algorithms = Vec::new();
    assert_eq!(issuer.accept(&token).err(), Some(TokenError::AlgorithmRefused));
    issuer.expected.algorithms = Algorithm::ALL.to_vec();
    assert!(issuer.accept(&token).is_ok());
    for name in [
        "none", "None", "NONE", "", "HS256", "HS512", "RS256", "ES384", "EdDSA", "es256", "ES256K",
        "RSA-OAEP",
    ] {
        let token = issuer.with_header(|header| drop(header.insert("alg".into(), name.into())));
        assert_eq!(
            issuer.accept(&token).err(),
            Some(TokenError::AlgorithmRefused),
            "{name}"
        );
    }
}

#[test]
fn a_key_bound_to_one_algorithm_verifies_no_other_of_its_kind() {
    let der = support::signer(Algorithm::RS256).to_pkcs8().unwrap();
    let rs256 = LocalSigner::from_pkcs8_for(Algorithm::RS256, Some("k"), &der).unwrap();
    let mut issuer = Issuer {
        signer: LocalSigner::from_pkcs8_for(Algorithm::PS256, Some("k"), &der).unwrap(),
        ..issuer()
    };
    issuer.keys = KeySet::from_jwks(&JwkSet::new([rs256.public_jwk()]));
    assert_eq!(
        issuer.accept(&issuer.token()).err(),
        Some(TokenError::AlgorithmRefused)
    );
    // The same key without `alg` does what its kind can.
    let unbound = postern_jose::Jwk::from_spki_pem(&rs256.public_jwk().to_spki_pem().unwrap())
        .unwrap()
        .with_key_id("k");
    issuer.keys = KeySet::from_jwks(&JwkSet::new([unbound]));
    assert!(issuer.accept(&issuer.token()).is_ok());
}

#[test]
fn a_token_cannot_bring_its_own_key_even_signed_by_ours() {
    let issuer = issuer();
    for name in ["jku", "jwk", "x5u", "x5c"] {
        let token = issuer.with_header(|header| drop(header.insert(name.into(), Value::Null)));
        assert_eq!(
            issuer.accept(&token).err(),
            Some(TokenError::KeyChoiceRefused(name))
        );
    }
    let attacker = LocalSigner::generate(Algorithm::ES256).unwrap();
    let mut header = issuer.header();
    header.insert("jwk".into(), Value::Object(attacker.public_jwk().to_object()));
    header.insert("kid".into(), attacker.key_id().into());
    let token = signed(&attacker, &header, &issuer.claims());
    assert_eq!(
        issuer.accept(&token).err(),
        Some(TokenError::KeyChoiceRefused("jwk"))
    );
    // A hint that names no other key is only that.
    assert!(
        issuer
            .accept(&issuer.with_header(|header| drop(header.insert("x5t#S256".into(), "AA".into()))))
            .is_ok()
    );
}

#[test]
fn extensions_are_refused_because_none_is_understood() {
    let issuer = issuer();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", Value::Null),
        ("b64", json!(false)),
        ("b64", json!("true")),
    ] {
        let token = issuer.with_header(|header| drop(header.insert(name.into(), value.clone())));
        assert_eq!(
            issuer.accept(&token).err(),
            Some(TokenError::CritRefused),
            "{name} {value}"
        );
    }
    assert!(
        issuer
            .accept(&issuer.with_header(|header| drop(header.insert("b64".into(), json!(true)))))
            .is_ok()
    );
    assert!(
        issuer
            .accept(&issuer.with_header(|header| drop(header.insert("cty".into(), json!("x")))))
            .is_ok()
    );
}

#[test]
fn a_kid_picks_among_our_keys_and_nothing_is_tried_in_turn() {
    let mut issuer = issuer();
    let with_kid = |kid: &str| issuer.with_header(|header| drop(header.insert("kid".into(), kid.into())));
    assert_eq!(
        issuer.accept(&with_kid("another")).err(),
        Some(TokenError::KeyUnknown)
    );
    assert_eq!(
        issuer.accept(&with_kid("../../dev/null")).err(),
        Some(TokenError::KeyUnknown)
    );

    let other = LocalSigner::generate(Algorithm::ES256).unwrap().public_jwk();
    let ours = issuer.signer.public_jwk();
    let anonymous = issuer.with_header(|header| drop(header.remove("kid")));
    let token = issuer.token();
    let mut choose = |keys: Vec<postern_jose::Jwk>, token: &str| {
        issuer.keys = KeySet::from_jwks(&JwkSet::new(keys));
        issuer.accept(token).map(drop).err()
    };
    // Without a kid: the one key for the algorithm, or nothing.
    assert_eq!(choose(vec![ours.clone()], &anonymous), None);
    assert_eq!(
        choose(vec![ours.clone(), other.clone()], &anonymous),
        Some(TokenError::KeyAmbiguous)
    );
    assert_eq!(choose(vec![], &anonymous), Some(TokenError::KeyUnknown));
    // The same kid for two keys: ambiguous. The same key twice: not.
    assert_eq!(
        choose(
            vec![ours.clone(), other.with_key_id(ours.key_id().unwrap())],
            &token
        ),
        Some(TokenError::KeyAmbiguous)
    );
    assert_eq!(choose(vec![ours.clone(), ours.clone()], &token), None);
    assert_eq!(choose(vec![], &token), Some(TokenError::KeyUnknown));
}

#[test]
fn a_signature_must_be_the_keys_over_these_very_bytes() {
    let issuer = issuer();
    let token = issuer.token();
    let [header, payload, signature] = parts(&token);
    let bytes = support::decode(signature);
    let swapped = [&bytes[32..], &bytes[..32]].concat();
    for forged in [
        encode(vec![0; 64]),
        encode(&bytes[..63]),
        encode([&bytes[..], b"\0"].concat()),
        encode(swapped),
        String::new(),
    ] {
        assert_eq!(
            issuer.accept(&format!("{header}.{payload}.{forged}")).err(),
            Some(TokenError::BadSignature)
        );
    }
    let edited = encode(to_text(&issuer.claims()).replace("alice", "admin"));
    assert_eq!(
        issuer.accept(&format!("{header}.{edited}.{signature}")).err(),
        Some(TokenError::BadSignature)
    );
    let attacker = LocalSigner::generate(Algorithm::ES256).unwrap();
    assert_eq!(
        issuer
            .accept(&signed(&attacker, &issuer.header(), &issuer.claims()))
            .err(),
        Some(TokenError::BadSignature)
    );
}

/// Known and harmless: see the crate's documentation. What must not differ is what the token says.
#[test]
fn an_ecdsa_signature_has_one_valid_twin_that_says_the_same() {
    // The order n of P-256 (FIPS 186-4 D.1.2.3).
    let n = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let issuer = issuer();
    let token = issuer.token();
    let [header, payload, signature] = parts(&token);
    let bytes = support::decode(signature);
    let mut twin = bytes[..32].to_vec();
    let (mut difference, mut borrow) = ([0_u8; 32], 0);
    for i in (0..32).rev() {
        let digit = i16::from(n[i]) - i16::from(bytes[32 + i]) - borrow;
        borrow = i16::from(digit < 0);
        difference[i] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    twin.extend(difference);
    let twin = format!("{header}.{payload}.{}", encode(twin));
    assert_ne!(twin, token);
    assert_eq!(
        issuer.accept(&twin).unwrap().claims_json(),
        issuer.accept(&token).unwrap().claims_json()
    );
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[test]
fn an_ed25519_signature_has_no_twin() {
    // The order L of the group (RFC 8032 §5.1), little-endian: S + L must be refused (§5.1.7).
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let issuer = Issuer::new(Algorithm::EdDSA);
    let token = issuer.token();
    let [header, payload, signature] = parts(&token);
    let mut bytes = support::decode(signature);
    let mut carry = 0_u16;
    for (byte, digit) in bytes[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(digit);
        *byte = u8::try_from(carry & 0xff).unwrap();
        carry >>= 8;
    }
    assert_eq!(
        issuer
            .accept(&format!("{header}.{payload}.{}", encode(bytes)))
            .err(),
        Some(TokenError::BadSignature)
    );
}

#[test]
fn a_token_lives_from_nbf_to_exp_give_or_take_the_leeway() {
    let issuer = issuer();
    let at = |token: &str, now: i64| {
        verify(
            &TokenRef::parse(token).unwrap(),
            &issuer.keys,
            &issuer.expected,
            UnixTime(now),
        )
        .map(drop)
        .err()
    };
    let exp = NOW.0 + 600;
    let token = issuer.with_claims(|claims| drop(claims.remove("nbf")));
    assert_eq!(at(&token, exp + LEEWAY - 1), None);
    assert_eq!(at(&token, exp + LEEWAY), Some(TokenError::Expired));
    assert_eq!(at(&token, i64::MAX), Some(TokenError::Expired));
    for name in ["nbf", "iat"] {
        let token = issuer.with_claims(|claims| drop(claims.insert(name.into(), json!(NOW.0 + 100))));
        assert_eq!(at(&token, NOW.0 + 100 - LEEWAY), None, "{name}");
        assert_eq!(
            at(&token, NOW.0 + 100 - LEEWAY - 1),
            Some(TokenError::NotYetValid),
            "{name}"
        );
    }
    let bare = issuer.with_claims(|claims| claims.retain(|name, _| name != "nbf" && name != "iat"));
    assert_eq!(at(&bare, NOW.0), None);
}

#[test]
fn fractions_and_the_ends_of_the_range_are_times_too() {
    let issuer = issuer();
    let with_exp = |exp: Value| issuer.with_claims(|claims| drop(claims.insert("exp".into(), exp)));
    let token = issuer.accept(&with_exp(json!(1_800_000_000.5 - 30.0))).unwrap();
    assert_eq!(token.expires_at(), UnixTime(1_800_000_001 - 30));
    assert_eq!(
        issuer.accept(&with_exp(json!(1_799_999_969.5))).err(),
        Some(TokenError::Expired)
    );
    assert_eq!(
        issuer.accept(&with_exp(json!(1e300))).unwrap().expires_at(),
        UnixTime(i64::MAX)
    );
    assert_eq!(
        issuer.accept(&with_exp(json!(u64::MAX))).unwrap().expires_at(),
        UnixTime(i64::MAX)
    );
    for past in [json!(0), json!(-1), json!(-1e300), json!(i64::MIN)] {
        assert_eq!(issuer.accept(&with_exp(past)).err(), Some(TokenError::Expired));
    }
}

#[test]
fn the_issuer_must_be_exactly_ours() {
    let issuer = issuer();
    for other in [
        "https://issuer.example/",
        "https://ISSUER.example",
        "http://issuer.example",
        "",
        "https://issuer.example ",
    ] {
        let token = issuer.with_claims(|claims| drop(claims.insert("iss".into(), other.into())));
        assert_eq!(
            issuer.accept(&token).err(),
            Some(TokenError::WrongIssuer),
            "{other:?}"
        );
    }
}

#[test]
fn one_audience_must_be_ours() {
    let issuer = issuer();
    let with = |audience: Value| issuer.with_claims(|claims| drop(claims.insert("aud".into(), audience)));
    for audience in [json!("urn:a"), json!("urn:b"), json!(["x", "urn:b"])] {
        assert!(issuer.accept(&with(audience)).is_ok());
    }
    for audience in [
        json!("urn:A"),
        json!(""),
        json!([]),
        json!(["x"]),
        json!("urn:a urn:b"),
        json!("urn:"),
    ] {
        assert_eq!(
            issuer.accept(&with(audience)).err(),
            Some(TokenError::WrongAudience)
        );
    }
    let mut nobody = Issuer {
        keys: KeySet::default(),
        ..Issuer::new(Algorithm::ES256)
    };
    nobody.expected.audiences.clear();
    nobody.keys = KeySet::from_jwks(&JwkSet::new([nobody.signer.public_jwk()]));
    assert_eq!(
        nobody.accept(&nobody.token()).err(),
        Some(TokenError::WrongAudience)
    );
}

#[test]
fn the_type_is_compared_as_a_media_type() {
    let mut issuer = issuer();
    let with = |issuer: &Issuer, typ: &str| {
        issuer.with_header(|header| drop(header.insert("typ".into(), typ.into())))
    };
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
        assert!(issuer.accept(&with(&issuer, typ)).is_ok(), "{typ}");
    }
    for typ in [
        "JWT",
        "",
        "at+jwt ",
        "application/application/at+jwt",
        "dpop+jwt",
        "text/at+jwt",
        "é",
    ] {
        assert_eq!(
            issuer.accept(&with(&issuer, typ)).err(),
            Some(TokenError::WrongType),
            "{typ}"
        );
    }
    let untyped = issuer.with_header(|header| drop(header.remove("typ")));
    assert_eq!(issuer.accept(&untyped).err(), Some(TokenError::WrongType));
    issuer.expected.types.clear();
    assert!(issuer.accept(&untyped).is_ok());
}

#[test]
fn required_claims_must_be_there() {
    let issuer = issuer();
    for name in ["iss", "aud", "exp", "sub"] {
        let token = issuer.with_claims(|claims| drop(claims.remove(name)));
        assert_eq!(
            issuer.accept(&token).err(),
            Some(TokenError::MissingClaim(name.to_owned()))
        );
    }
    for name in ["client_id", "scope", "jti", "iat", "nbf"] {
        assert!(
            issuer
                .accept(&issuer.with_claims(|claims| drop(claims.remove(name))))
                .is_ok(),
            "{name}"
        );
    }
    let mut strict = Issuer::new(Algorithm::ES256);
    strict.expected.required_claims.push("role".to_owned());
    let with_role = |role: Value| strict.with_claims(|claims| drop(claims.insert("role".into(), role)));
    assert!(strict.accept(&with_role(json!(""))).is_ok());
    assert_eq!(
        strict.accept(&with_role(Value::Null)).err(),
        Some(TokenError::MissingClaim("role".to_owned()))
    );
}

#[test]
fn a_scope_that_is_no_string_grants_nothing() {
    let issuer = issuer();
    let scopes = |scope: Value| {
        let token = issuer
            .accept(&issuer.with_claims(|claims| drop(claims.insert("scope".into(), scope))))
            .unwrap();
        token.scopes().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(scopes(json!(" a  b ")), ["a", "b"]);
    assert!(scopes(json!(["a", "b"])).is_empty());
    assert!(scopes(json!("")).is_empty());
}

#[test]
fn an_unproved_token_shows_what_it_claims_and_no_message_quotes_it() {
    let issuer = issuer();
    let token =
        issuer.with_claims(|claims| drop(claims.insert("iss".into(), "https://secret.example".into())));
    let unproved = TokenRef::parse(&token).unwrap();
    assert_eq!(unproved.claimed_issuer(), Some("https://secret.example"));
    assert_eq!(unproved.header().key_id(), Some(issuer.signer.key_id()));
    assert_eq!(unproved.header().typ(), Some("at+jwt"));
    assert!(!issuer.accept(&token).unwrap_err().to_string().contains("secret"));
}
