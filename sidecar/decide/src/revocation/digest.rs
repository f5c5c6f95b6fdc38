//! What a revocation is found by: 128 bits of SHA-256 over issuer, claim and value, so written that no two different
//! triples are written alike. Entries don't keep the words.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, SHA256};
use postern_rego::Value;

/// What is revoked by its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name<'a> {
    /// A claim of the token's payload.
    Claim(&'a str),
    /// The key that signed it (`kid` of its header).
    KeyId,
}

/// A value that can be revoked: what JSON has besides null, arrays and objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A string.
    String(&'a str),
    /// A number: an integer in decimal, anything else as the token writes it.
    Number(Cow<'a, str>),
    /// A boolean.
    Bool(bool),
}

/// The first 128 bits of the SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    pub(super) high: u64,
    pub(super) low: u64,
}

impl Digest {
    /// The digest of a value under a name of an issuer.
    pub fn of(issuer: &str, name: Name<'_>, value: &Scalar<'_>) -> Self {
        let mut context = Context::new(&SHA256);
        let mut add = |tag: u8, text: &str| {
            context.update(&[tag]);
            context.update(&(text.len() as u64).to_le_bytes());
            context.update(text.as_bytes());
        };
        add(b'i', issuer);
        match name {
            Name::Claim(claim) => add(b'c', claim),
            Name::KeyId => add(b'k', ""),
        }
        match value {
            Scalar::String(text) => add(b's', text),
            Scalar::Number(text) => add(b'n', text),
            Scalar::Bool(true) => add(b'b', "true"),
            Scalar::Bool(false) => add(b'b', "false"),
        }
        Self::from_bytes(
            context
                .finish()
                .as_ref()
                .first_chunk()
                .copied()
                .unwrap_or_default(),
        )
    }

    /// A digest that was kept.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let whole = u128::from_be_bytes(bytes);
        Self {
            high: u64::try_from(whole >> 64).unwrap_or_default(),
            low: u64::try_from(whole & u128::from(u64::MAX)).unwrap_or_default(),
        }
    }

    /// The digest, to be kept.
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.high) << 64 | u128::from(self.low)).to_be_bytes()
    }
}

impl<'a> Scalar<'a> {
    /// The scalar that a claim is; `None` for what can't be revoked by value.
    pub fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::String(text)),
            Value::Number(number) => Some(Self::Number(
                number
                    .as_i64()
                    .map_or_else(|| number.as_str(), |integer| integer.to_string().into()),
            )),
            Value::Bool(flag) => Some(Self::Bool(*flag)),
            Value::Null | Value::Array(_) | Value::Object(_) | Value::Set(_) => None,
        }
    }

    /// The scalar of this JSON number; `None` if it isn't one.
    pub fn number(text: &str) -> Option<Self> {
        let number = postern_rego::Number::from_source(text)?;
        Some(Self::Number(
            number
                .as_i64()
                .map_or_else(|| text.to_owned(), |integer| integer.to_string())
                .into(),
        ))
    }
}
