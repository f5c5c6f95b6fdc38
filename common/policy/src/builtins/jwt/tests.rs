//! Tokens under a clock that moves, with a memory that must never be seen, and what strangers can send.

use postern_rego::{BuiltinError, Context, Env, HostBuiltins as _, Value};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::super::Host;

const SECOND: i64 = 1_000_000_000;

fn call_at(now_ns: i64, name: &str, operands: &[Value]) -> Result<Option<Value>, BuiltinError> {
    let env = Env::new(now_ns, [0; 32]);
    let function = Host.builtin(name).expect("a builtin");
    function(&mut Context::new(&env, 10_000_000, None), operands)
}

fn json(text: &str) -> Value {
    Value::from_json_str(text).expect("JSON")
}

/// A token of these claims, by HMAC under the secret `k…k`.
fn token(claims: &str) -> Value {
    let secret = r#"{"kty": "oct", "k": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s"}"#;
    let operands = [json(r#"{"alg": "HS256"}"#), json(claims), json(secret)];
    call_at(0, "io.jwt.encode_sign", &operands)
        .expect("signed")
        .expect("a token")
}

const SECRET: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";

fn constraints(more: &str) -> Value {
    json(&format!(r#"{{"secret": "{SECRET}"{more}}}"#))
}

fn is_good(now_ns: i64, token: &Value, constraints: &Value) -> bool {
    let operands = [token.clone(), constraints.clone()];
    let answer = call_at(now_ns, "io.jwt.decode_verify", &operands).expect("no failure");
    let answer = answer.expect("an answer");
    let valid = answer.as_array().and_then(|answer| answer.get(0));
    valid.and_then(Value::as_bool).expect("a verdict")
}

#[test]
fn a_token_seen_before_is_looked_at_under_the_present_time() {
    let token = token(r#"{"nbf": 100, "exp": 200, "n": 1}"#);
    let all = constraints("");
    // Back and forth over both edges, so that whatever was remembered last is of the other side.
    for (at, wanted) in [
        (150 * SECOND, true),
        (100 * SECOND - 1000, false),
        (100 * SECOND, true),
        (200 * SECOND, false),
        (200 * SECOND - 1000, true),
        (99 * SECOND, false),
        (i64::MAX, false),
        (0, false),
        (150 * SECOND, true),
    ] {
        assert_eq!(is_good(at, &token, &all), wanted, "{at}");
    }
}

#[test]
fn a_time_in_the_constraints_stands_for_the_present() {
    let token = token(r#"{"nbf": 100.5, "exp": 200.5, "n": 2}"#);
    for (time, wanted) in [
        ("150000000000", true),
        ("100499999999", false),
        ("100500000000", true),
        ("200499999999", true),
        ("2.005e11", false),
        ("0", false),
    ] {
        let all = constraints(&format!(r#", "time": {time}"#));
        assert_eq!(is_good(150 * SECOND, &token, &all), wanted, "{time}");
        assert_eq!(is_good(900 * SECOND, &token, &all), wanted, "{time}");
    }
}

#[test]
fn what_was_good_under_other_constraints_says_nothing() {
    let token = token(r#"{"iss": "a", "aud": "b", "n": 3}"#);
    let good = constraints(r#", "iss": "a", "aud": "b""#);
    assert!(is_good(0, &token, &good));
    for other in [
        r#", "iss": "x", "aud": "b""#,
        r#", "iss": "a", "aud": "x""#,
        r#", "iss": "a""#,
        r#", "iss": "a", "aud": "b", "alg": "HS384""#,
    ] {
        assert!(!is_good(0, &token, &constraints(other)), "{other}");
    }
    assert!(!is_good(
        0,
        &token,
        &json(r#"{"secret": "another", "iss": "a", "aud": "b"}"#)
    ));
    assert!(is_good(0, &token, &good));
}

#[test]
fn what_fails_still_fails_when_the_token_was_seen() {
    let token = token(r#"{"exp": "soon", "n": 4}"#);
    let operands = [token, constraints("")];
    for _ in 0..2 {
        let failed = call_at(0, "io.jwt.decode_verify", &operands);
        assert_eq!(
            failed,
            Err(BuiltinError::Lenient("exp value must be a number".into()))
        );
    }
    let wrong = [operands[0].clone(), constraints(r#", "time": "now""#)];
    assert!(matches!(
        call_at(0, "io.jwt.decode_verify", &wrong),
        Err(BuiltinError::Lenient(_))
    ));
}

#[test]
fn an_answer_costs_the_same_whether_it_was_known_or_not() {
    let operands = [token(r#"{"n": 5}"#), constraints("")];
    let cost = |name: &str, operands: &[Value]| {
        let env = Env::new(0, [0; 32]);
        let mut context = Context::new(&env, 1_000_000, None);
        Host.builtin(name).expect("a builtin")(&mut context, operands).expect("an answer");
        1_000_000 - context.budget()
    };
    for (name, operands) in [
        ("io.jwt.decode_verify", &operands[..]),
        ("io.jwt.decode", &operands[..1]),
    ] {
        let first = cost(name, operands);
        assert!(first > 0);
        assert_eq!(cost(name, operands), first, "{name}");
    }
}

#[test]
fn what_was_known_is_counted() {
    let operands = [token(r#"{"n": 6}"#)];
    let first = call_at(0, "io.jwt.decode", &operands);
    let before = super::cache_counts();
    assert_eq!(call_at(0, "io.jwt.decode", &operands), first);
    let after = super::cache_counts();
    assert!(after.hits > before.hits, "{before:?} {after:?}");
    assert!(after.entries > 0 && after.bytes > 0, "{after:?}");
}

#[test]
fn a_secret_is_no_key_for_another_algorithm() {
    let key = json(r#"{"kty": "oct", "k": "AA"}"#);
    for alg in ["RS256", "PS384", "ES512", "EdDSA"] {
        let operands = [json(&format!(r#"{{"alg": "{alg}"}}"#)), json("{}"), key.clone()];
        assert!(
            matches!(
                call_at(0, "io.jwt.encode_sign", &operands),
                Err(BuiltinError::Lenient(_))
            ),
            "{alg}"
        );
    }
}

const VERIFIERS: [&str; 13] = [
    "io.jwt.verify_eddsa",
    "io.jwt.verify_es256",
    "io.jwt.verify_es384",
    "io.jwt.verify_es512",
    "io.jwt.verify_hs256",
    "io.jwt.verify_hs384",
    "io.jwt.verify_hs512",
    "io.jwt.verify_ps256",
    "io.jwt.verify_ps384",
    "io.jwt.verify_ps512",
    "io.jwt.verify_rs256",
    "io.jwt.verify_rs384",
    "io.jwt.verify_rs512",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn property_01_decoding_anything_answers_or_fails(token in "[a-zA-Z0-9_=+/.\\-]{0,80}|\\PC{0,40}") {
        let operands = [Value::from(token)];
        let first = call_at(0, "io.jwt.decode", &operands);
        prop_assert_eq!(call_at(0, "io.jwt.decode", &operands), first);
    }

    #[test]
    fn property_02_verifying_anything_with_anything_answers_or_fails(
        token in "([a-zA-Z0-9_\\-]{0,20}\\.){2}[a-zA-Z0-9_\\-]{0,20}",
        key in "\\PC{0,60}|\\{\"kty\": ?\"(RSA|EC|OKP|oct)\", ?\"[nekxd]\": ?\"[A-Za-z0-9]{0,8}\"\\}",
        at in any::<i64>(),
    ) {
        let operands = [Value::from(token.as_str()), Value::from(key.as_str())];
        for name in VERIFIERS {
            if let Ok(answer) = call_at(at, name, &operands) {
                prop_assert_eq!(answer, Some(Value::from(false)));
            }
        }
        let constraints = Value::object_from([("cert", Value::from(key))]);
        let _ = call_at(at, "io.jwt.decode_verify", &[Value::from(token), constraints]);
    }

    #[test]
    fn property_03_a_token_with_a_changed_letter_is_refused(at in 0_usize..200, letter in "[a-zA-Z0-9]") {
        let whole = token(r#"{"sub": "somebody", "n": 7}"#);
        let whole = whole.as_str().expect("text");
        let at = at % whole.len();
        let changed = format!("{}{letter}{}", &whole[..at], &whole[at + 1..]);
        let operands = [Value::from(changed.as_str()), Value::from(SECRET)];
        if let Ok(Some(valid)) = call_at(0, "io.jwt.verify_hs256", &operands) {
            // The last letter has bits that say nothing.
            prop_assert!(valid == Value::from(false) || changed == whole || at == whole.len() - 1);
        }
    }
}
