use proptest::prelude::*;

use super::civil::{date, days_in, days_since_epoch};
use crate::builtins::{BuiltinError, Context, lookup};
use crate::env::Env;
use crate::value::Value;

fn call(name: &str, operands: &[Value]) -> Result<Option<Value>, BuiltinError> {
    let env = Env::new(0, [0; 32]);
    let function = lookup(name).expect("a builtin");
    function(&mut Context::new(&env, 1_000_000, None), operands)
}

#[test]
fn the_hosts_own_time_zone_is_refused() {
    let operand = Value::from(vec![Value::from(0_i64), Value::from("Local")]);
    assert!(matches!(
        call("time.clock", &[operand]),
        Err(BuiltinError::Halt(_))
    ));
}

/// Texts from Go 1.26.
#[test]
fn what_is_wrong_with_a_time_is_said_in_gos_words() {
    for (layout, value, wrong) in [
        (
            "2006-01",
            "2020-x",
            r#"parsing time "2020-x" as "2006-01": cannot parse "x" as "01""#,
        ),
        (
            "2006-01",
            "2020-13",
            r#"parsing time "2020-13": month out of range"#,
        ),
        ("2006", "2020x", r#"parsing time "2020x": extra text: "x""#),
        (
            "2006-01-02",
            "2021-02-29",
            r#"parsing time "2021-02-29": day out of range"#,
        ),
        (
            "a2006",
            "b2020",
            r#"parsing time "b2020" as "a2006": cannot parse "b2020" as "a""#,
        ),
    ] {
        let got = call("time.parse_ns", &[Value::from(layout), Value::from(value)]);
        assert_eq!(got, Err(BuiltinError::Lenient(wrong.into())));
    }
    for (text, wrong) in [
        ("1x", r#"time: unknown unit "x" in duration "1x""#),
        ("1", r#"time: missing unit in duration "1""#),
        ("1d1x", r#"time: unknown unit "x" in duration "1d1x""#),
        ("", r#"time: invalid duration """#),
    ] {
        let got = call("time.parse_duration_ns", &[Value::from(text)]);
        assert_eq!(got, Err(BuiltinError::Lenient(wrong.into())), "{text}");
    }
}

proptest! {
    #[test]
    fn a_date_and_its_day_are_the_same(year in -20_000_i64..20_000, month in 1_i64..=12, day in 1_i64..=28) {
        let days = days_since_epoch(year, month, day);
        prop_assert_eq!(date(days), (year, month, day));
        prop_assert_eq!(days_since_epoch(year, month + 12, day), days_since_epoch(year + 1, month, day));
        let last = days_in(month, year);
        prop_assert_eq!(days_since_epoch(year, month, last) + 1, days_since_epoch(year, month + 1, 1));
    }

    #[test]
    fn what_is_written_is_read(instant in any::<i64>(), zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns"])) {
        let operand = Value::from(vec![Value::from(instant), Value::from(zone), Value::from("2006-01-02T15:04:05.999999999Z07:00:00")]);
        let text = call("time.format", &[operand]).expect("no error").expect("a text");
        let layout = Value::from("2006-01-02T15:04:05Z07:00:00");
        prop_assert_eq!(call("time.parse_ns", &[layout, text]), Ok(Some(Value::from(instant))));
    }

    #[test]
    fn nothing_panics(layout in "[0-9A-Za-z_.,: +éZ-]{0,20}", value in "[0-9A-Za-z_.,: +éZ-]{0,20}", zone in ".{0,8}", duration in "[0-9.a-zµ+-]{0,12}") {
        let _ = call("time.parse_ns", &[Value::from(layout.as_str()), Value::from(value.as_str())]);
        let _ = call("time.parse_duration_ns", &[Value::from(duration)]);
        let parts = vec![Value::from(5_i64), Value::from(zone), Value::from(layout)];
        let _ = call("time.format", &[Value::from(parts)]);
    }
}
