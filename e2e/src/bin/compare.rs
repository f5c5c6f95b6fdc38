//! `postern-compare`: what `make compare-opa-envoy` and `make record-golden` run. The same random requests to opa-envoy-plugin
//! and to the sidecar under each policy of a table, every difference printed; and the golden cases, recorded from the plugin.

#![expect(clippy::print_stdout, reason = "its findings are for people")]

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use postern_e2e::opa_envoy::compare::told;
use postern_e2e::opa_envoy::generate::Requests;
use postern_e2e::opa_envoy::golden::Case;
use postern_e2e::opa_envoy::protobuf_json;
use postern_e2e::opa_envoy::server::{Server, Setting};

/// Compares the sidecar with opa-envoy-plugin.
#[derive(Parser)]
#[command(name = "postern-compare", version)]
struct Arguments {
    /// The plugin.
    #[arg(long, global = true)]
    opa_envoy: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Puts random requests to both, and prints where they differ.
    Random(Random),
    /// Records what the plugin answers to the golden cases.
    Record {
        /// The cases.
        #[arg(long, default_value = "e2e/golden")]
        cases: PathBuf,
        /// Only those whose name contains this.
        filter: Option<String>,
    },
}

#[derive(Args)]
struct Random {
    /// The sidecar.
    #[arg(long)]
    sidecar: PathBuf,
    /// The policies, a `.rego` file each.
    #[arg(long, default_value = "e2e/opa_envoy/policies")]
    policies: PathBuf,
    /// How many requests, over all policies.
    #[arg(long, default_value_t = 1000)]
    cases: usize,
    /// The same requests for the same seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// After so many differences it ends.
    #[arg(long, default_value_t = 10)]
    differences: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let plugin = arguments
        .opa_envoy
        .context("--opa-envoy is missing; expected the path of opa-envoy-plugin's binary")?;
    match arguments.command {
        Command::Random(random) => compare(&plugin, &random).await,
        Command::Record { cases, filter } => record(&plugin, &cases, &filter.unwrap_or_default()).await,
    }
}

async fn record(plugin: &Path, cases: &Path, filter: &str) -> anyhow::Result<()> {
    let mut recorded = 0;
    for case in Case::all(cases)?
        .iter()
        .filter(|case| case.name().contains(filter))
    {
        let told = case.answer_and_event(plugin).await;
        let (mut answer, event) = told.with_context(|| case.name())?;
        if let Some(members) = answer.as_object_mut() {
            members.insert("event".to_owned(), event);
        }
        case.record(&answer)?;
        recorded += 1;
    }
    println!("{recorded} cases recorded");
    Ok(())
}

async fn compare(plugin: &Path, random: &Random) -> anyhow::Result<()> {
    let mut policies: Vec<PathBuf> = std::fs::read_dir(&random.policies)
        .with_context(|| random.policies.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    policies.retain(|path| path.extension().is_some_and(|extension| extension == "rego"));
    policies.sort();
    let each = random.cases.div_ceil(policies.len().max(1));
    let (mut compared, mut found) = (0, 0);
    let descriptors = tempfile::NamedTempFile::new()?;
    std::fs::write(descriptors.path(), postern_proto::ENVOY_FILE_DESCRIPTOR_SET)?;
    let descriptors = descriptors.path().display().to_string();
    let mut requests = Requests::new(random.seed);
    for policy in &policies {
        let setting = Setting {
            config: None,
            files: vec![policy.canonicalize()?],
            plugin: vec![("proto-descriptor".to_owned(), descriptors.clone())],
            flags: Vec::new(),
        };
        let theirs = Server::start(plugin, &setting).await?;
        let ours = Server::start(&random.sidecar, &setting).await?;
        for _ in 0..each {
            let request = requests.request();
            compared += 1;
            let Some((wanted, got)) = difference(&theirs, &ours, &request).await else {
                continue;
            };
            found += 1;
            // Some have no JSON: an `Any` without a type, for one.
            let shown = match protobuf_json::of_request(&request) {
                Ok(json) => json.to_string(),
                Err(_) => format!("{request:?}"),
            };
            println!("{}: {shown}", policy.display());
            for (wanted, got) in wanted
                .lines()
                .zip(got.lines())
                .filter(|(wanted, got)| wanted != got)
            {
                println!("  wanted {wanted}\n  got    {got}");
            }
            anyhow::ensure!(
                found < random.differences,
                "{found} differences in {compared} requests"
            );
        }
    }
    println!(
        "{compared} requests under {} policies, {found} differences",
        policies.len()
    );
    anyhow::ensure!(found == 0, "they differ");
    Ok(())
}

async fn difference(theirs: &Server, ours: &Server, request: &CheckRequest) -> Option<(String, String)> {
    let (wanted, got) = tokio::join!(theirs.check(request.clone()), ours.check(request.clone()));
    let (wanted, got) = (told(wanted), told(got));
    (wanted != got).then_some((wanted, got))
}
