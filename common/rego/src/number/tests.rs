//! Numbers against OPA's own answers, against exact arithmetic, and at their bounds.

use std::cmp::Ordering;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use num_bigint::BigInt;
use num_traits::Pow;
use proptest::prelude::*;

use super::Number;
use super::arithmetic::{self, ArithmeticError};

fn number(text: &str) -> Number {
    Number::from_source(text).unwrap_or_else(|| panic!("{text} is a number"))
}

fn hash(number: &Number) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(number)
}

fn apply(operation: &str, a: &Number, b: &Number) -> Result<Number, ArithmeticError> {
    match operation {
        "plus" => arithmetic::plus(a, b),
        "minus" => arithmetic::minus(a, b),
        "mul" => arithmetic::times(a, b),
        "div" => arithmetic::divide(a, b),
        "rem" => arithmetic::remainder(a, b),
        "abs" => arithmetic::abs(a),
        "round" => arithmetic::round(a),
        "ceil" => arithmetic::ceil(a),
        "floor" => arithmetic::floor(a),
        other => panic!("{other}?"),
    }
}

/// Operation, operands, and what OPA 1.22.2 answers.
const OPA: &[(&str, &str, &str, &str)] = &[
    ("plus", "0.1", "0.2", "0.3"),
    ("div", "1", "3", "0.33333333333333333334"),
    ("div", "0", "-5", "-0"),
    ("div", "6", "3", "2"),
    ("round", "-0.5", "0", "-1"),
    ("round", "1e40", "0", "9999999999999999999783686092270256259072"),
    (
        "plus",
        "1.360789645",
        "-8947853189516266063",
        "-8.9478531895162660615e+18",
    ),
    ("plus", "1e2", "-7390566016168708080", "-7390566016168707980"),
    (
        "plus",
        "-93E-33",
        "-123456789012345678901.50",
        "-123456789012345678904",
    ),
    (
        "plus",
        "-801484861",
        "4168471040336248342315008.0000",
        "4168471040336247540830147",
    ),
    (
        "plus",
        "-3.134E40",
        "32E20",
        "-31339999999999999996800000000000000000000",
    ),
    (
        "mul",
        "-2123294648829554528614446264598",
        "100.0",
        "-212329464882955452861444626459800",
    ),
    ("mul", "0e5", "-5.10E76", "0"),
    ("mul", "-12.097761592342", "-63e-39", "7.62158980317546e-37"),
    ("mul", "260731210470", "-0.5", "-130365605235"),
    (
        "mul",
        "-1947560162",
        "-1.30227170580821822136457526538",
        "2.5362524943318698201e+09",
    ),
    ("div", "-4", "1.5", "-2.6666666666666666667"),
    ("div", "10", "1.0", "10"),
    (
        "div",
        "123456789012345678901.4515571811201876124971",
        "1.0",
        "123456789012345678904",
    ),
    ("div", "4.0290E+27", "5", "805800000000000000000000000"),
    ("div", "1.0", "0.8e9", "1.25e-09"),
    ("rem", "1e1000", "2648007413322676373", "922651949541221632"),
    ("rem", "-7716554819414038521", "1762941482", "-1019376661"),
    ("rem", "-6658441020278183612", "1739197918", "-1206358154"),
    ("rem", "1e1000", "-8799906032552358634", "5680573912266207780"),
    (
        "rem",
        "5020256554909169671",
        "-2851151495317865439",
        "2169105059591304232",
    ),
    ("abs", "-999.9854993552975733106041", "0", "999.9854993552975733"),
    ("abs", "-12.2767331620640147275", "0", "12.276733162064014727"),
    ("abs", "-1.7342734268081793183334", "0", "1.7342734268081793183"),
    ("round", "5713292247243693801", "0", "5713292247243693801"),
    ("round", "-2321869079.30968523", "0", "-2321869079"),
    ("round", "999.8405182646735821416524497973", "0", "1000"),
    (
        "ceil",
        "-5658695642208696300627196",
        "0",
        "-5658695642208696300732416",
    ),
    ("ceil", "-4298014238438245485", "0", "-4298014238438245485"),
    (
        "ceil",
        "123456789012345678901.483014850174563",
        "0",
        "123456789012345678904",
    ),
    ("floor", "-4630260552931710910", "0", "-4630260552931710910"),
    (
        "floor",
        "-4826745540336538454327296.0",
        "0",
        "-4826745540336538454327296",
    ),
    ("floor", "2313543806760480620", "0", "2313543806760480620"),
];

#[test]
fn arithmetic_answers_as_opa_does() {
    for (operation, a, b, wanted) in OPA {
        let got = apply(operation, &number(a), &number(b)).map(|result| result.to_string());
        assert_eq!(got.as_deref(), Ok(*wanted), "{operation} {a} {b}");
    }
}

#[test]
fn what_has_no_result_says_why() {
    let fails = |operation, a, b| apply(operation, &number(a), &number(b)).unwrap_err();
    assert_eq!(fails("div", "1", "-0.0"), ArithmeticError::DivideByZero);
    assert_eq!(fails("rem", "1", "0"), ArithmeticError::ModuloByZero);
    assert_eq!(fails("rem", "1.5", "1"), ArithmeticError::ModuloOfFraction);
}

#[test]
fn a_number_prints_as_it_was_written_and_compares_by_value() {
    for (a, b) in [
        ("1.0", "1"),
        ("1e2", "100"),
        ("-0", "0"),
        ("0e99", "0.000"),
        ("12.30E+1", "123"),
        ("5e-1", "0.50"),
    ] {
        assert_eq!(number(a).to_string(), a);
        assert_eq!(number(a), number(b));
        assert_eq!(hash(&number(a)), hash(&number(b)), "{a} {b}");
    }
    let rising = [
        "-1e30000",
        "-2",
        "-1.5",
        "-1e-30000",
        "0",
        "1e-30000",
        "0.1",
        "0.10000000000000000000001",
        "1",
        "1e30000",
    ];
    assert!(rising.windows(2).all(|pair| number(pair[0]) < number(pair[1])));
}

#[test]
fn only_jsons_grammar_is_a_number() {
    for text in [
        "", "-", "+1", "01", ".5", "5.", "1e", "1e+", "0x1", "1_0", " 1", "1 ", "NaN", "Infinity", "--1",
        "1.2.3", "١",
    ] {
        assert!(Number::from_source(text).is_none(), "{text:?}");
    }
}

#[test]
fn an_exponent_out_of_range_is_refused_at_once() {
    for text in [
        "1e999999999",
        "1e-999999999",
        "1e99999999999999999999",
        "0.02e-99999999999999999999",
        "-1e30103",
        "1e30103",
        "9.9901e30102",
        "1e-30104",
    ] {
        assert!(Number::from_source(text).is_none(), "{text}");
    }
    for text in ["9.99e30102", "1e-30103", "0e999999999"] {
        assert!(Number::from_source(text).is_some(), "{text}");
    }
}

#[test]
fn growing_without_bound_is_refused_not_computed() {
    let mut number = number("1e30000");
    let error = loop {
        match arithmetic::times(&number, &number) {
            Ok(square) => number = square,
            Err(error) => break error,
        }
    };
    assert_eq!(error, ArithmeticError::TooLarge);
}

#[test]
fn an_index_is_an_integer_in_plain_form() {
    let cases = [
        ("7", Some(7)),
        ("7.0", Some(7)),
        ("-0", Some(0)),
        ("7e0", None),
        ("7.5", None),
        ("9223372036854775808", None),
    ];
    for (text, wanted) in cases {
        assert_eq!(number(text).as_i64(), wanted, "{text}");
    }
    assert_eq!(number("-9223372036854775808").as_i64(), Some(i64::MIN));
    assert_eq!(Number::from_u64(u64::MAX).to_string(), "18446744073709551615");
}

/// A decimal's text, and its value as an integer over ten to the hundredth.
fn decimal() -> impl Strategy<Value = (String, BigInt)> {
    (any::<i64>(), 0_u32..12, -40_i32..40, 0_usize..4).prop_map(|(mantissa, places, exponent, zeros)| {
        let digits = format!(
            "{:0>width$}",
            mantissa.unsigned_abs(),
            width = places as usize + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - places as usize);
        let point = if places == 0 && zeros == 0 { "" } else { "." };
        let sign = if mantissa < 0 { "-" } else { "" };
        let text = format!("{sign}{whole}{point}{fraction}{}e{exponent}", "0".repeat(zeros));
        let power = u32::try_from(100 + exponent - i32::try_from(places).unwrap()).unwrap();
        (text, BigInt::from(mantissa) * BigInt::from(10).pow(power))
    })
}

proptest! {
    #[test]
    fn order_is_that_of_the_exact_values((a, exact_a) in decimal(), (b, exact_b) in decimal()) {
        let (a, b) = (number(&a), number(&b));
        prop_assert_eq!(a.cmp(&b), exact_a.cmp(&exact_b));
        if exact_a == exact_b {
            prop_assert_eq!(hash(&a), hash(&b));
        }
    }

    #[test]
    fn every_form_of_a_value_is_equal_and_hashes_alike(int in any::<i64>(), zeros in 0_usize..30) {
        let plain = Number::from_i64(int);
        for text in [format!("{int}.{}", "0".repeat(zeros + 1)), format!("{int}{}e-{zeros}", "0".repeat(zeros))] {
            prop_assert_eq!(plain.cmp(&number(&text)), Ordering::Equal);
            prop_assert_eq!(hash(&plain), hash(&number(&text)));
        }
    }

    #[test]
    fn integers_are_exact(a in "-?[1-9][0-9]{0,60}", b in "-?[1-9][0-9]{0,60}") {
        let (x, y) = (a.parse::<BigInt>().unwrap(), b.parse::<BigInt>().unwrap());
        let (a, b) = (number(&a), number(&b));
        prop_assert_eq!(arithmetic::plus(&a, &b).unwrap().to_string(), (&x + &y).to_string());
        prop_assert_eq!(arithmetic::minus(&a, &b).unwrap().to_string(), (&x - &y).to_string());
        prop_assert_eq!(arithmetic::times(&a, &b).unwrap().to_string(), (&x * &y).to_string());
        prop_assert_eq!(arithmetic::remainder(&a, &b).unwrap().to_string(), (&x % &y).to_string());
    }

    #[test]
    fn a_quotient_is_off_by_half_a_unit_of_64_bits_at_most(a in 1_i64.., b in 1_i64..) {
        let quotient = arithmetic::divide(&Number::from_i64(a), &Number::from_i64(b)).unwrap();
        let scale = BigInt::from(10).pow(60_u32);
        let (text, exponent) = quotient.to_string().split_once('e').map_or((quotient.to_string(), 0), |(text, exponent)| {
            (text.to_owned(), exponent.parse::<i32>().unwrap())
        });
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let power = u32::try_from(60 + exponent - i32::try_from(fraction.len()).unwrap()).unwrap();
        let got = format!("{whole}{fraction}").parse::<BigInt>().unwrap() * BigInt::from(10).pow(power);
        let difference = got * b - BigInt::from(a) * &scale;
        // |q - a/b| is at most a/b / 2^64, and what shortening the text costs is within another such step.
        prop_assert!(difference.magnitude() << 63_u32 <= *(BigInt::from(a) * &scale).magnitude(), "{a}/{b} = {quotient}");
    }

    #[test]
    fn what_was_computed_is_read_back_as_it_was((a, _) in decimal(), (b, _) in decimal()) {
        if let Ok(product) = arithmetic::times(&number(&a), &number(&b)) {
            let text = product.to_string();
            let zero = Number::from_i64(0);
            // Rounding what is a float already leaves it alone.
            if text.contains('.') {
                prop_assert_eq!(arithmetic::plus(&number(&text), &zero).unwrap().to_string(), text);
            }
        }
    }
}
