//! `postern bundle verify`: whether a sidecar with this key would take the bundle.

use std::path::PathBuf;

use postern_jose::Algorithm;
use postern_policy::alone::engine_of;
use postern_policy::{Bundle, BundleError, HttpSend, Limits, Verification};

use super::{files, keys};
use crate::{exit::Exit, output};

/// `postern bundle verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The bundle.
    #[arg(value_name = "BUNDLE")]
    archive: PathBuf,
    /// The public key: PEM, SPKI.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The id that the signature must name [default: any].
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// The algorithm that it must be signed with [default: the one that fits the key, RS256 for RSA].
    #[arg(long, value_name = "ALG")]
    algorithm: Option<Algorithm>,
}

pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    // A key that can't be used is a wrong call, whatever the bundle is.
    keys::verification(&args.key, args.key_id.as_deref().unwrap_or("any"), args.algorithm)?;
    let archive = files::read_archive(&args.archive)?;
    let verified = key_id(&archive, args)
        .map_err(|refusal| refusal.to_string())
        .and_then(|key_id| {
            let trust = keys::verification(&args.key, &key_id, args.algorithm).map_err(|e| e.to_string())?;
            let bundle = Bundle::read(&archive, &trust, &Limits::default()).map_err(|e| e.to_string())?;
            engine_of(&bundle, HttpSend::On).map_err(|e| e.to_string())?;
            Ok(bundle)
        });
    match verified {
        Ok(bundle) => {
            let signed_by = bundle.signed_by().unwrap_or_default();
            let text = format!(
                "{} is good: signed with key {signed_by}, revision {:?}, {} files, and its policy can run",
                args.archive.display(),
                bundle.revision(),
                bundle.files().count()
            );
            output::line(&text)?;
            Ok(Exit::Yes)
        }
        Err(refusal) => {
            output::note(&format!("{}: {refusal}", args.archive.display()));
            Ok(Exit::No)
        }
    }
}

/// The id that is asked for, else whichever the signature names: the key itself was given by hand.
fn key_id(archive: &[u8], args: &VerifyArgs) -> Result<String, BundleError> {
    if let Some(key_id) = &args.key_id {
        return Ok(key_id.clone());
    }
    let unproved = Bundle::read(archive, &Verification::Unsigned, &Limits::default())?;
    unproved.claimed_key_id()?.ok_or(BundleError::SignatureMissing)
}
