use proptest::prelude::*;

use super::Problem;
use super::read::read;
use crate::builtins::{Context, lookup};
use crate::env::Env;
use crate::value::Value;

#[test]
fn what_isnt_read_here_is_never_guessed_at() {
    for text in [
        "a: &x 1",
        "a: *x",
        "a: !t 1",
        "a: |\n  b",
        "a: >\n  b",
        "a: b\n  c",
        "a:\n\tb: 1",
        "? a\n: b",
        "a: b: c",
        "<<: {}",
        "a: \"b\n  c\"",
        "--- a",
        "a\n...",
        "%YAML 1.2",
        "[a: b]",
        "{a}",
        "a: [b] c",
        "- a\n b",
        "a: 1\n  b: 2",
        "\"\\ud83d\\ude00\"",
    ] {
        assert!(
            matches!(read(text), Err(Problem::NotSupported(_))),
            "{text:?}: {:?}",
            read(text)
        );
    }
}

#[test]
fn what_has_no_end_or_starts_with_a_tab_is_no_yaml() {
    for text in [
        "[1,2,3",
        "{",
        "a: [",
        "foo:\n - baz: {\"a\": 1,",
        "  a:\nb: 1",
        "\ta: 1",
        "a: 1\n---\n# c\n \tb: 2",
    ] {
        assert!(
            matches!(read(text), Err(Problem::Invalid(_))),
            "{text:?}: {:?}",
            read(text)
        );
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in "[ab1\\[\\]{}:,'\"# \n.?|>&*!\\\\-]{0,30}") {
        let _ = read(&text);
    }

    #[test]
    fn what_is_written_is_read(text in "[a-z0-9:#'\" .,\\[{-]{0,10}", key in "[a-z]{1,5}", number in any::<i64>(), flag in any::<bool>()) {
        let inner = Value::object_from([(key.clone(), Value::from(text.clone())), ("n".to_owned(), Value::from(number))]);
        let value = Value::from(vec![inner.clone(), Value::from(flag), Value::from(vec![inner, Value::Null])]);
        let env = Env::new(0, [0; 32]);
        let marshal = lookup("yaml.marshal").expect("a builtin");
        let written = marshal(&mut Context::new(&env, 100_000, None), std::slice::from_ref(&value));
        let written = written.expect("no error").expect("a text");
        prop_assert_eq!(read(written.as_str().expect("a text")), Ok(value), "{:?}", written);
    }

    #[test]
    fn json_is_yaml(text in "[a-z0-9:#' .,\\[{-]{0,10}", number in any::<i64>()) {
        let value = Value::object_from([("a", Value::from(vec![Value::from(text.clone()), Value::from(number)])), ("b", Value::object_from([("c", Value::from(text))]))]);
        prop_assert_eq!(read(&value.to_json()), Ok(value));
    }
}
