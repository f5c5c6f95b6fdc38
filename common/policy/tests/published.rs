//! What standards and vendors have published of what the builtins compute: RFCs' tokens and digests, AWS's signatures.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail as tests do"
)]

use postern_policy::builtins::Host;
use postern_rego::{BuiltinError, Context, Env, HostBuiltins as _, Value};

fn ask(name: &str, operands: &[Value]) -> Result<Option<Value>, BuiltinError> {
    let env = Env::new(0, [0; 32]);
    let function = Host.builtin(name).expect("a builtin of this crate");
    function(&mut Context::new(&env, 10_000_000, None), operands)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap()
}

#[test]
fn published_answers_are_ours() {
    let vectors = Value::from_json_str(include_str!("vectors/published.json")).unwrap();
    for vector in vectors.as_array().unwrap() {
        let operands: Vec<Value> = vector
            .get("operands")
            .and_then(Value::as_array)
            .unwrap()
            .iter()
            .cloned()
            .collect();
        let answer = ask(text(vector, "builtin"), &operands);
        assert_eq!(
            answer.as_ref().ok().and_then(Option::as_ref),
            vector.get("answer"),
            "{}",
            text(vector, "source")
        );
    }
}

#[test]
fn published_tokens_are_verified_and_no_other() {
    let vectors = Value::from_json_str(include_str!("../../jose/tests/vectors/rfc.json")).unwrap();
    let signatures = vectors.get("signatures").and_then(Value::as_array).unwrap();
    assert!(signatures.len() > 5);
    for vector in signatures {
        let name = format!("io.jwt.verify_{}", text(vector, "algorithm").to_ascii_lowercase());
        let key = Value::from(vector.get("key").unwrap().to_json());
        let token = text(vector, "jws");
        let verify = |token: &str| ask(&name, &[Value::from(token), key.clone()]);
        assert_eq!(
            verify(token),
            Ok(Some(Value::from(true))),
            "{}",
            text(vector, "source")
        );
        let (signed, _) = token.rsplit_once('.').unwrap();
        let forged = format!("{signed}.{}", "A".repeat(86));
        assert_eq!(
            verify(&forged),
            Ok(Some(Value::from(false))),
            "{}",
            text(vector, "source")
        );
    }
}
