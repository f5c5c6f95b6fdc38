//! What a revocation is found by: 128 bits of SHA-256 over issuer, claim and value, so written that no two different
//! triples are written alike. Entries don't keep the words.

use aws_lc_rs::digest::{Context, SHA256};
use postern_rego::{Number, Value};

/// What is revoked by its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name<'a> {
    /// A claim of the token's payload.
    Claim(&'a str),
    /// The key that signed it (`kid` of its header).
    KeyId,
}

/// A value that can be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A string, byte by byte.
    String(&'a str),
    /// A whole number, however it is written (`7`, `7.0`, `70e-1`).
    Integer(i64),
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
    pub fn of(issuer: &str, name: Name<'_>, value: Scalar<'_>) -> Self {
        let mut context = Context::new(&SHA256);
        let mut add = |tag: u8, bytes: &[u8]| {
            context.update(&[tag]);
            context.update(&(bytes.len() as u64).to_le_bytes());
            context.update(bytes);
        };
        add(b'i', issuer.as_bytes());
        match name {
            Name::Claim(claim) => add(b'c', claim.as_bytes()),
            Name::KeyId => add(b'k', b""),
        }
        match value {
            Scalar::String(text) => add(b's', text.as_bytes()),
            Scalar::Integer(integer) => add(b'n', &integer.to_le_bytes()),
            Scalar::Bool(flag) => add(b'b', &[u8::from(flag)]),
        }
        let digest = context.finish();
        // SHA-256 gives 32 bytes.
        Self::from_bytes(digest.as_ref().first_chunk().copied().unwrap_or_default())
    }

    /// A digest that was kept.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let [high, low] = halves(bytes).map(u64::from_be_bytes);
        Self { high, low }
    }

    /// The digest, to be kept.
    pub fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.high) << u64::BITS) | u128::from(self.low)).to_be_bytes()
    }
}

fn halves(bytes: [u8; 16]) -> [[u8; 8]; 2] {
    let (halves, _) = bytes.as_chunks();
    halves.try_into().unwrap_or_default()
}

impl<'a> Scalar<'a> {
    /// The scalar that a claim is; `None` for what can't be revoked by its value.
    pub fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::String(text)),
            Value::Number(number) => number.as_i64().or_else(|| whole(number)).map(Self::Integer),
            Value::Bool(flag) => Some(Self::Bool(*flag)),
            Value::Null | Value::Array(_) | Value::Object(_) | Value::Set(_) => None,
        }
    }
}

/// A whole number that isn't written as one.
fn whole(number: &Number) -> Option<i64> {
    let double: f64 = number.as_str().parse().ok()?;
    if double.abs() >= 9_223_372_036_854_775_808.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "within the range; what it cuts off is compared next"
    )]
    let integer = double as i64;
    // The double may be the nearest one only: numbers compare by their exact value.
    (*number == Number::from_i64(integer)).then_some(integer)
}
