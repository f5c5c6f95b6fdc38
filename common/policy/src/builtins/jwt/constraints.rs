//! The second operand of `io.jwt.decode_verify`: what a token must fulfil.

use std::sync::Arc;

use postern_rego::{BuiltinError, Context, Object, Value};

use super::super::fail;
use super::key_set::{Key, keys};
use super::time::{Instant, When};

/// What is asked of a token, except for the time.
pub(super) struct Constraints {
    pub(super) trust: Trust,
    pub(super) alg: String,
    pub(super) iss: String,
    pub(super) aud: String,
}

/// Whose signature is good.
pub(super) enum Trust {
    Keys(Arc<[Key]>),
    Secret(String),
}

/// The constraints, and when the token is looked at: their time, or the present.
pub(super) fn parse(
    context: &mut Context<'_>,
    members: &Object,
) -> Result<(Constraints, When), BuiltinError> {
    let (mut cert, mut secret, mut time) = (None, String::new(), None);
    let (mut alg, mut iss, mut aud) = (String::new(), String::new(), String::new());
    for (name, value) in members {
        let Some(name) = name.as_str() else {
            // OPA falls over here.
            return Err(BuiltinError::Halt("a constraint's name is not a string".into()));
        };
        match name {
            "cert" => cert = Some(keys(context, &text(name, value)?)?),
            "secret" => secret = text(name, value)?,
            "alg" => alg = text(name, value)?,
            "iss" => iss = text(name, value)?,
            "aud" => aud = text(name, value)?,
            "time" => time = Some(Instant::of(value)?),
            _ => return fail(format!("unknown token validation constraint: {name}")),
        }
    }
    let time = match time {
        Some(time) => When::At(time),
        // An error of the clock comes before one of the constraints.
        None => When::now(context)?,
    };
    let trust = match cert {
        Some(_) if !secret.is_empty() => return fail("duplicate key constraints"),
        Some(keys) => Trust::Keys(keys),
        None if secret.is_empty() => return fail("no key constraint"),
        None => Trust::Secret(secret),
    };
    Ok((Constraints { trust, alg, iss, aud }, time))
}

fn text(name: &str, value: &Value) -> Result<String, BuiltinError> {
    match value {
        Value::String(text) => Ok(text.as_ref().to_owned()),
        _ => fail(format!("{name} constraint: must be a string")),
    }
}
