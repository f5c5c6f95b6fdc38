//! `postern bundle build`: a folder of Rego, compiled by opa, as one archive, signed where a key is given.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use postern_policy::{Bundle, BundleBuilder, HttpSend, Limits, PlanEngine, Verification, bundle};

use super::{files, keys, sequence};
use crate::{
    exit::Exit,
    output,
    policy::{COMPILE_DEADLINE, CompileError, CompileRequest, PolicyFolder, compile, locate_opa},
};

/// `postern bundle build`.
#[derive(Debug, clap::Args)]
pub struct BuildArgs {
    /// The folder of Rego and data; `*_test.rego` and hidden files are left out.
    #[arg(value_name = "DIR")]
    policy_dir: PathBuf,
    /// What is to be asked: a rule or a package, `orders/authz/decision` say. Can be given more than once.
    #[arg(short, long = "entrypoint", value_name = "PATH", required = true)]
    entrypoints: Vec<String>,
    /// The bundle's revision [default: a digest of what is in it].
    #[arg(long, value_name = "TEXT")]
    revision: Option<String>,
    /// Where the bundle goes.
    #[arg(short, long, value_name = "FILE", default_value = "bundle.tar.gz")]
    output: PathBuf,
    #[command(flatten)]
    signing: keys::SigningArgs,
    #[command(flatten)]
    sequence: sequence::SequenceArgs,
    /// The opa to compile with [default: POSTERN_OPA, the one that `make tools` builds, the one in PATH].
    #[arg(long, value_name = "FILE")]
    opa: Option<PathBuf>,
    /// Take this plan.json in place of compiling. Nothing checks that it was made from the Rego.
    #[arg(long, value_name = "FILE", conflicts_with = "opa")]
    plan: Option<PathBuf>,
}

pub(super) async fn run(args: &BuildArgs) -> anyhow::Result<Exit> {
    let signer = args.signing.signer()?;
    let made = match &args.plan {
        Some(plan) => with_plan(args, plan)?,
        None => match compiled(args).await {
            Ok(made) => made,
            Err(error) => match error.downcast_ref::<CompileError>() {
                Some(CompileError::Refused { message }) => {
                    output::note(message);
                    return Ok(Exit::No);
                }
                _ => return Err(error),
            },
        },
    };
    let archive = made.and_then(|archive| match &signer {
        Some(signer) => args.sequence.sign(archive, signer),
        None => Ok(archive),
    });
    let archive = match archive {
        Ok(archive) => archive,
        Err(refusal) => {
            output::note(&refusal.to_string());
            return Ok(Exit::No);
        }
    };
    if let Err(refusal) = can_run(&archive, &args.entrypoints) {
        output::note(&refusal);
        return Ok(Exit::No);
    }
    files::write_archive(&args.output, &archive)?;
    output::line(&args.output.display().to_string())?;
    Ok(Exit::Yes)
}

type Made = Result<Vec<u8>, postern_policy::BundleError>;

async fn compiled(args: &BuildArgs) -> anyhow::Result<Made> {
    let opa = locate_opa(args.opa.as_deref())?;
    let request = CompileRequest {
        policy_dir: &args.policy_dir,
        entrypoints: &args.entrypoints,
        opa: &opa,
        deadline: COMPILE_DEADLINE,
    };
    let compiled = compile(&request).await?;
    Ok(build(args, |revision| compiled.bundle(revision)))
}

fn with_plan(args: &BuildArgs, plan: &std::path::Path) -> anyhow::Result<Made> {
    let plan = fs::read(plan).with_context(|| format!("reading --plan {}", plan.display()))?;
    let folder = PolicyFolder::read(&args.policy_dir)?;
    anyhow::ensure!(
        folder.files().all(|(path, _)| path != ".manifest"),
        "--plan can't be used with a .manifest in the folder; leave --plan out, so that opa reads it"
    );
    Ok(build(args, |revision| {
        let files = folder.files();
        files
            .fold(BundleBuilder::new(revision), |builder, (path, content)| {
                builder.file(path, content)
            })
            .plan(plan.clone())
    }))
}

/// Builds under the revision asked for, or under a name for exactly this content.
fn build(args: &BuildArgs, make: impl Fn(&str) -> BundleBuilder) -> Made {
    match &args.revision {
        Some(revision) => make(revision).build(),
        None => {
            let unnamed = make("").build()?;
            let digest = bundle::digest_hex(&unnamed);
            make(&format!("sha256-{}", digest.get(..16).unwrap_or(&digest))).build()
        }
    }
}

/// What is built is what will be accepted: the plan loads, and has what is to be asked.
fn can_run(archive: &[u8], entrypoints: &[String]) -> Result<(), String> {
    let bundle =
        Bundle::read(archive, &Verification::Unsigned, &Limits::default()).map_err(|e| e.to_string())?;
    let engine = PlanEngine::from_bundle_with(&bundle, HttpSend::On).map_err(|e| e.to_string())?;
    for entrypoint in entrypoints {
        engine.require(entrypoint).map_err(|e| e.to_string())?;
    }
    Ok(())
}
