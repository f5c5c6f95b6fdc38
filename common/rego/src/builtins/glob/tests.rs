use proptest::prelude::*;

use super::program::Program;
use crate::builtins::{Context, lookup};
use crate::env::Env;
use crate::value::Value;

/// Texts from gobwas/glob v1.0.0.
#[test]
fn what_is_wrong_with_a_pattern_is_said_in_the_go_modules_words() {
    for (pattern, wrong) in [
        ("[", "1: unexpected end of input"),
        ("[]", "2: could not parse range"),
        ("[z-a]", "4: range hi character is less than lo"),
        ("[a-zb]", "5: expected close range character"),
        ("a{b", "3: unclosed `{`"),
        (r"a\", "2: trailing backslash"),
    ] {
        let got = Program::compile(pattern, "").map(|_| ()).unwrap_err();
        assert_eq!(got, format!("glob: syntax error at {wrong}"), "{pattern}");
    }
}

proptest! {
    #[test]
    fn no_pattern_panics(pattern in r"[a-c*?\[\]{},!\\é.-]{0,16}", text in "[a-cé.,]{0,12}", delimiters in "[.,]{0,2}") {
        if let Ok(program) = Program::compile(&pattern, &delimiters) {
            let _ = program.is_match(&text);
        }
    }

    #[test]
    fn a_quoted_text_matches_itself_only(text in ".{0,12}", other in ".{0,12}") {
        let env = Env::new(0, [0; 32]);
        let quote = lookup("glob.quote_meta").expect("a builtin");
        let quoted = quote(&mut Context::new(&env, 1000, None), &[Value::from(text.as_str())]);
        let quoted = quoted.expect("no error").expect("a text");
        let program = Program::compile(quoted.as_str().expect("a text"), "").expect("a pattern");
        prop_assert!(program.is_match(&text));
        prop_assert_eq!(program.is_match(&other), other == text);
    }

    #[test]
    fn two_stars_take_everything_and_one_stops_at_delimiters(text in "[a-c.]{0,12}") {
        prop_assert!(Program::compile("**", ".").expect("a pattern").is_match(&text));
        prop_assert_eq!(Program::compile("*", ".").expect("a pattern").is_match(&text), !text.contains('.'));
    }
}
