//! The sequence that a signer gives a bundle, by which sidecars and the control plane tell an older one from a newer one.

use postern_jose::LocalSigner;
use postern_policy::{BundleError, Limits, bundle};

use super::keys;
use crate::clock;

/// The flag that says which.
#[derive(Clone, Debug, clap::Args)]
pub struct SequenceArgs {
    /// The sequence that a signed bundle gets: `now`, which is the time in milliseconds, a whole number, or `none`, which leaves
    /// the bundle as it is. Sidecars refuse one that is lower than that of a bundle that they had.
    #[arg(
        long,
        value_name = "now|N|none",
        default_value = "now",
        value_parser = parse
    )]
    sequence: Sequence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sequence {
    Now,
    Number(u64),
    Asis,
}

fn parse(text: &str) -> Result<Sequence, String> {
    match text {
        "now" => Ok(Sequence::Now),
        "none" => Ok(Sequence::Asis),
        number => match number.parse() {
            Ok(number) if number <= bundle::MAX_SEQUENCE => Ok(Sequence::Number(number)),
            _ => Err(format!(
                "expected `now`, `none`, or a whole number from 0 to {}",
                bundle::MAX_SEQUENCE
            )),
        },
    }
}

impl SequenceArgs {
    /// The archive with its sequence, signed.
    ///
    /// # Errors
    /// When it isn't a good bundle, or can't be signed.
    pub fn sign(&self, archive: Vec<u8>, signer: &LocalSigner) -> Result<Vec<u8>, BundleError> {
        let limits = Limits::default();
        let archive = match self.sequence {
            Sequence::Now => bundle::with_sequence(&archive, clock::now_ms(), &limits)?,
            Sequence::Number(number) => bundle::with_sequence(&archive, number, &limits)?,
            Sequence::Asis => archive,
        };
        bundle::sign(&archive, signer, keys::key_id(signer), &limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_sequence_is_refused_with_what_is_expected() {
        assert_eq!(parse("now"), Ok(Sequence::Now));
        assert_eq!(parse("none"), Ok(Sequence::Asis));
        assert_eq!(parse("0"), Ok(Sequence::Number(0)));
        for wrong in ["", "-1", "1.5", "9007199254740992", "next"] {
            assert!(parse(wrong).unwrap_err().contains("whole number"), "{wrong}");
        }
    }
}
