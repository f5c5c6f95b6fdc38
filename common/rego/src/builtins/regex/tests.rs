use proptest::prelude::*;

use super::class;
use super::syntax::{self, Refusal};
use crate::builtins::{BuiltinError, Context, lookup};
use crate::env::Env;
use crate::value::Value;

fn call(name: &str, operands: &[Value]) -> Result<Option<Value>, BuiltinError> {
    let env = Env::new(0, [0; 32]);
    let function = lookup(name).expect("a builtin");
    function(&mut Context::new(&env, 10_000_000, None), operands)
}

fn texts(parts: &[&str]) -> Vec<Value> {
    parts.iter().map(|part| Value::from(*part)).collect()
}

/// FNV-1a over the ranges of every named class, plain, and with case folded, and that negated; the same loop over Go
/// 1.26's regexp/syntax gives the same number.
#[test]
fn every_named_class_has_the_characters_that_it_has_in_go() {
    let mut names: Vec<&str> = vec!["Any", "Ascii", "Assigned", "Lc"];
    names.extend(class::names());
    names.sort_unstable();
    assert_eq!(names.len(), 200);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut put = |word: u32| {
        for byte in word.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    // Without a gap where the surrogates are.
    let code = |char: char| u32::from(char) - if char >= '\u{e000}' { 0x800 } else { 0 };
    for name in names {
        let plain = class::unicode(name).unwrap_or_else(|| panic!("{name}"));
        let mut folded = plain.clone();
        if class::folds(name) {
            class::fold(&mut folded);
        }
        let negated = class::negated(&folded);
        for set in [plain, folded, negated] {
            // Those beside the surrogates are two ranges here, and one in Go's loop.
            let mut ends: Vec<u32> = Vec::new();
            for range in set.ranges() {
                let (from, to) = (code(range.start()), code(range.end()));
                match ends.last_mut() {
                    Some(end) if *end + 1 == from => *end = to,
                    _ => ends.extend([from, to]),
                }
            }
            put(u32::try_from(ends.len()).expect("small"));
            ends.into_iter().for_each(&mut put);
        }
    }
    assert_eq!(hash, GO_HASH);
}

const GO_HASH: u64 = 0x8b1f_2548_05e3_8c62;

/// Texts from Go 1.26.
#[test]
fn what_is_wrong_with_a_pattern_is_said_in_gos_words() {
    for (pattern, wrong) in [
        ("a(b", "missing closing ): `a(b`"),
        ("a)b", "unexpected ): `a)b`"),
        ("x[a-", "missing closing ]: `[a-`"),
        ("x[z-a]y", "invalid character class range: `z-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        (r"a\pXb", r"invalid character class range: `\pX`"),
        (r"a\p{Foo}b", r"invalid character class range: `\p{Foo}`"),
        (r"a\8b", r"invalid escape sequence: `\8`"),
        (r"a\x{110000}b", r"invalid escape sequence: `\x{110000`"),
        (r"a\", "trailing backslash at end of expression: ``"),
        ("a**b", "invalid nested repetition operator: `**`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(a{500}){3}b", "invalid repeat count: `{3}`"),
        ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?P<é>a)", "invalid named capture: `(?P<é>`"),
        ("(?P<a", "invalid named capture: `(?P<a`"),
    ] {
        let got = syntax::parse(pattern).map(|_| ()).unwrap_err();
        assert_eq!(
            got,
            Refusal::Syntax(format!("error parsing regexp: {wrong}")),
            "{pattern}"
        );
    }
}

#[test]
fn what_is_larger_than_our_bounds_stops_the_evaluation_and_is_never_undefined() {
    let nested = "(".repeat(300) + &")".repeat(300);
    let large = "(?:abcdefghijklmnopqrstuvwxyz){1000}".repeat(30);
    let classes = r"\pL".repeat(400);
    let many_ranges = r"\pL".repeat(2000);
    for pattern in [
        &nested,
        &large,
        &classes,
        &many_ranges,
        &"a".repeat(70_000),
        r"\x{d800}",
    ] {
        let got = call("regex.match", &texts(&[pattern, "a"]));
        assert!(
            matches!(got, Err(BuiltinError::Halt(_))),
            "{}: {got:?}",
            &pattern[..pattern.len().min(20)]
        );
    }
}

#[test]
fn a_search_that_reads_on_and_on_runs_out_of_statements() {
    // From each place it looks to the end for a b before it takes an a.
    let text = "a".repeat(100_000);
    let got = call("regex.replace", &texts(&[&text, "a+b|a", ""]));
    assert_eq!(got, Err(BuiltinError::Exhausted(crate::error::Limit::Statements)));
    let got = call("regex.replace", &texts(&[&text, "a", ""]));
    assert_eq!(got, Ok(Some(Value::from(""))));
    let got = call("regex.split", &texts(&["[,;]", &"ab,".repeat(10_000)]));
    assert!(matches!(got, Ok(Some(_))));
}

proptest! {
    #[test]
    fn no_pattern_panics_and_what_is_valid_can_be_matched(pattern in r"[a-z\\\[\](){}|*+?^$.:<>P,0-9pLQEdé-]{0,24}", text in ".{0,12}") {
        let valid = call("regex.is_valid", &texts(&[&pattern]));
        let matched = call("regex.match", &texts(&[&pattern, &text]));
        match valid {
            Ok(Some(Value::Bool(valid))) => prop_assert_eq!(
                valid,
                !matches!(matched, Err(BuiltinError::Lenient(_))),
                "{:?}", matched
            ),
            other => prop_assert!(matches!(other, Err(BuiltinError::Halt(_)))),
        }
    }

    #[test]
    fn what_is_split_and_what_is_found_are_the_text(text in "[a-cé,]{0,20}", pattern in "[abc,]{1,3}") {
        let parts = call("regex.split", &texts(&[&pattern, &text])).expect("no error").expect("parts");
        let parts: Vec<&str> = parts.as_array().expect("an array").iter().filter_map(Value::as_str).collect();
        prop_assert_eq!(parts.join(&pattern), text.clone());
        // Replacing each match by itself changes nothing.
        let same = call("regex.replace", &texts(&[&text, &format!("({pattern})"), "${1}"]));
        prop_assert_eq!(same, Ok(Some(Value::from(text))));
    }

    #[test]
    fn no_template_and_no_glob_panics(a in ".{0,12}", b in r"[a-c.\[\]\\+*-]{0,12}", c in r"[a-c.\[\]\\+*-]{0,12}") {
        let _ = call("regex.template_match", &texts(&[&a, &b, "<", ">"]));
        let left = call("regex.globs_match", &texts(&[&b, &c]));
        prop_assert!(!matches!(left, Err(BuiltinError::Halt(_))));
    }
}
