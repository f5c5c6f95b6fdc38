//! `postern bundle inspect`: what is in an archive. It verifies nothing, and says so.

use std::path::PathBuf;

use postern_policy::{Bundle, BundleError, Engine as _, HttpSend, Limits, PlanEngine, Verification, bundle};
use serde::Serialize;

use super::files;
use crate::{
    exit::Exit,
    output::{self, OutputArgs, Printed},
};

/// `postern bundle inspect`.
#[derive(Debug, clap::Args)]
pub struct InspectArgs {
    /// The bundle.
    #[arg(value_name = "BUNDLE")]
    archive: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    let archive = files::read_archive(&args.archive)?;
    match Inspected::read(&archive) {
        Ok(inspected) => {
            output::print(args.output.output, &inspected)?;
            Ok(Exit::Yes)
        }
        Err(refusal) => {
            output::note(&format!("{}: {refusal}", args.archive.display()));
            Ok(Exit::No)
        }
    }
}

/// What is in a bundle.
#[derive(Debug, Serialize)]
struct Inspected {
    /// As the manifest has it.
    revision: String,
    /// The sequence that it states, by which its signer orders bundles; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    /// The parts of `data` that it owns; `""` is all of it.
    roots: Vec<String>,
    /// What may be asked.
    entrypoints: Vec<String>,
    /// What each entrypoint's answer can depend on, in the same order.
    reads: Vec<Depends>,
    /// The builtins that the policy calls.
    builtins: Vec<String>,
    /// The id of the key that the signature names; nobody has verified it here.
    signed_by_unverified: Option<String>,
    /// Why the policy can't run, if it can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    cannot_run: Option<String>,
    /// The archive's SHA-256 in hex: the entity tag under which the control plane serves it.
    sha256: String,
    files: Vec<Contained>,
}

/// What an answer can depend on; whatever can't be excluded is in it.
#[derive(Debug, Serialize)]
struct Depends {
    entrypoint: String,
    /// Paths in the input, `input.a.*` for all of `input.a`.
    input: Vec<String>,
    /// Paths in the bundle's data.
    data: Vec<String>,
    clock: bool,
    randomness: bool,
    network: bool,
    /// What the host says of itself (`opa.runtime`).
    host: bool,
}

impl Depends {
    fn of(engine: &PlanEngine, entrypoint: String) -> Option<Self> {
        let reach = engine.reach(engine.entrypoint(&entrypoint)?)?;
        Some(Self {
            entrypoint,
            input: reach.input.paths("input"),
            data: reach.data.paths("data"),
            clock: reach.effects.clock,
            randomness: reach.effects.randomness,
            network: reach.effects.network,
            host: reach.effects.host,
        })
    }

    /// The paths and the rest in one list. A path that is the document itself says that none of it is read.
    fn human(&self) -> String {
        let parts = |paths: &[String], document: &str| {
            let read = paths.iter().filter(|path| *path != document);
            read.cloned().collect::<Vec<_>>()
        };
        let mut read = parts(&self.input, "input");
        read.extend(parts(&self.data, "data"));
        for (name, depends) in [
            ("the clock", self.clock),
            ("randomness", self.randomness),
            ("the network", self.network),
            ("the host", self.host),
        ] {
            if depends {
                read.push(name.to_owned());
            }
        }
        if read.is_empty() {
            read.push("nothing".to_owned());
        }
        format!("{} reads {}", self.entrypoint, read.join(", "))
    }
}

#[derive(Debug, Serialize)]
struct Contained {
    path: String,
    /// In bytes.
    size: usize,
}

impl Inspected {
    fn read(archive: &[u8]) -> Result<Self, BundleError> {
        let bundle = Bundle::read(archive, &Verification::Unsigned, &Limits::default())?;
        let engine = PlanEngine::from_bundle_with(&bundle, HttpSend::On);
        let (entrypoints, mut builtins) = match &engine {
            Ok(engine) => (
                engine.entrypoints(),
                engine.builtins().map(str::to_owned).collect(),
            ),
            Err(_) => (Vec::new(), Vec::new()),
        };
        builtins.sort();
        let reads = engine.as_ref().map(|engine| {
            let names = entrypoints.iter().cloned();
            names.filter_map(|name| Depends::of(engine, name)).collect()
        });
        Ok(Self {
            reads: reads.unwrap_or_default(),
            revision: bundle.revision().to_owned(),
            sequence: bundle.manifest().sequence()?,
            roots: bundle.manifest().roots.clone(),
            entrypoints,
            builtins,
            signed_by_unverified: bundle.claimed_key_id()?,
            cannot_run: engine.err().map(|error| error.to_string()),
            sha256: bundle::digest_hex(archive),
            files: bundle
                .files()
                .map(|(path, content)| Contained {
                    path: path.to_owned(),
                    size: content.len(),
                })
                .collect(),
        })
    }
}

impl Printed for Inspected {
    fn human(&self) -> String {
        let or_none = |names: &[String]| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        };
        let roots: Vec<String> = self
            .roots
            .iter()
            .map(|root| {
                if root.is_empty() {
                    "all of data".to_owned()
                } else {
                    root.clone()
                }
            })
            .collect();
        let signed_by = match &self.signed_by_unverified {
            Some(key_id) => {
                format!("key {key_id}, says the signature; `postern bundle verify --key FILE` proves it")
            }
            None => "nobody".to_owned(),
        };
        let mut lines = vec![
            format!(
                "revision     {}",
                if self.revision.is_empty() {
                    "none"
                } else {
                    &self.revision
                }
            ),
            format!("roots        {}", or_none(&roots)),
            format!("entrypoints  {}", or_none(&self.entrypoints)),
            format!("builtins     {}", or_none(&self.builtins)),
            format!("signed by    {signed_by}"),
            format!("sha256       {}", self.sha256),
        ];
        if let Some(sequence) = self.sequence {
            lines.insert(1, format!("sequence     {sequence}"));
        }
        if let Some(problem) = &self.cannot_run {
            lines.push(format!("can't run    {problem}"));
        }
        if !self.reads.is_empty() {
            lines.push(String::new());
            lines.extend(self.reads.iter().map(Depends::human));
        }
        lines.push(String::new());
        let rows = self
            .files
            .iter()
            .map(|file| [file.path.clone(), file.size.to_string()]);
        lines.push(output::table(["FILE", "BYTES"], rows));
        lines.join("\n")
    }
}
