//! The builtins that need cryptography, for `postern-rego`'s machine: digests, HMAC, JWTs, X.509, AWS's request
//! signatures. Each answers as OPA does, or stops the evaluation; aws-lc does the cryptography. Nothing here does I/O
//! or reads a clock: time and bounds come from the evaluation's [`Context`](postern_rego::Context).

mod hash;

use postern_rego::{BuiltinError, BuiltinFn, HostBuiltins, Value};

/// A host with the builtins of this module.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

impl HostBuiltins for Host {
    fn builtin(&self, name: &str) -> Option<BuiltinFn> {
        let at = BUILTINS.binary_search_by(|(other, _)| (*other).cmp(name)).ok()?;
        BUILTINS.get(at).map(|(_, function)| *function)
    }
}

/// The names of this module's builtins, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|(name, _)| *name)
}

const BUILTINS: &[(&str, BuiltinFn)] = &[
    ("crypto.hmac.equal", hash::hmac_equal),
    ("crypto.hmac.md5", hash::hmac_md5),
    ("crypto.hmac.sha1", hash::hmac_sha1),
    ("crypto.hmac.sha256", hash::hmac_sha256),
    ("crypto.hmac.sha512", hash::hmac_sha512),
    ("crypto.md5", hash::md5),
    ("crypto.sha1", hash::sha1),
    ("crypto.sha256", hash::sha256),
];

/// What a builtin returns.
type Answer = Result<Option<Value>, BuiltinError>;

/// A defined result.
fn answer(value: impl Into<Value>) -> Answer {
    Ok(Some(value.into()))
}

#[cfg(test)]
mod tests {
    use postern_rego::HostBuiltins as _;

    use super::{BUILTINS, Host};

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(BUILTINS.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn a_builtin_is_found_by_its_name_and_no_other() {
        assert!(Host.builtin("crypto.sha256").is_some());
        assert!(Host.builtin("crypto.sha257").is_none());
    }
}
