//! The calls of builtins that don't answer alike each time (OPA's `nd_builtin_cache`), for hosts that tell of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::builtins::effects;
use crate::value::{Array, Object, Value};

/// Clock checks that OPA doesn't call nondeterministic.
const NOT_CALLED_SO: [&str; 2] = [
    "crypto.x509.parse_and_verify_certificates",
    "crypto.x509.parse_and_verify_certificates_with_options",
];

/// What was called in an evaluation, and what it answered. A clone is the same. Never shown: operands are tokens and secrets.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<Made>>);

type Made = BTreeMap<String, BTreeMap<Value, Value>>;

impl Calls {
    /// Whether OPA would remember calls of that builtin.
    pub(crate) fn count(name: &str) -> bool {
        !effects(name).is_none() && !NOT_CALLED_SO.contains(&name)
    }

    pub(crate) fn add(&self, name: &str, operands: Vec<Value>, answer: &Value) {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let operands = Value::Array(operands.into_iter().collect::<Array>());
        made.entry(name.to_owned())
            .or_default()
            .insert(operands, answer.clone());
    }

    /// As OPA's decision logs have them: answers by the JSON of their operands, by builtins' names. Of what JSON hasn't, what
    /// JSON makes of it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let builtins = made.iter().map(|(name, calls)| {
            let calls = calls.iter().map(|(operands, answer)| {
                (Value::from(escaped(&operands.to_json()).as_str()), answer.clone())
            });
            (
                Value::from(name.as_str()),
                Value::Object(calls.collect::<Object>()),
            )
        });
        let all = Value::Object(builtins.collect::<Object>());
        Value::from_json_str(&all.to_json()).unwrap_or(all)
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Calls")
    }
}

/// JSON as Go writes it for browsers.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}
