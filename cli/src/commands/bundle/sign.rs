//! `postern bundle sign`: a signature over every file of an existing archive.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{files, keys, sequence};
use crate::{exit::Exit, output};

/// `postern bundle sign`.
#[derive(Debug, clap::Args)]
pub struct SignArgs {
    /// The bundle to sign.
    #[arg(value_name = "BUNDLE")]
    archive: PathBuf,
    #[command(flatten)]
    signing: keys::SigningArgs,
    #[command(flatten)]
    sequence: sequence::SequenceArgs,
    /// Where the signed bundle goes [default: in the place of the unsigned one].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &SignArgs) -> anyhow::Result<Exit> {
    let signer = args
        .signing
        .signer()?
        .context("--signing-key FILE is needed: what is it to be signed with?")?;
    let archive = files::read_archive(&args.archive)?;
    let signed = match args.sequence.sign(archive, &signer) {
        Ok(signed) => signed,
        Err(refusal) => {
            output::note(&format!("{}: {refusal}", args.archive.display()));
            return Ok(Exit::No);
        }
    };
    let to = args.output.as_ref().unwrap_or(&args.archive);
    files::write_archive(to, &signed)?;
    output::line(&format!(
        "{} is signed with key {}",
        to.display(),
        keys::key_id(&signer)
    ))?;
    Ok(Exit::Yes)
}
