//! `postern-compare`: what `make compare-opa-envoy` runs. The same random requests to opa-envoy-plugin and to the sidecar
//! under each policy of a table; every difference is printed, and kept.

#![expect(clippy::print_stdout, reason = "its findings are for people")]

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use postern_e2e::opa_envoy::compare::told;
use postern_e2e::opa_envoy::generate::Requests;
use postern_e2e::opa_envoy::server::{Server, Setting};

/// Compares the sidecar with opa-envoy-plugin.
#[derive(Parser)]
#[command(name = "postern-compare", version)]
struct Arguments {
    /// The plugin.
    #[arg(long)]
    opa_envoy: PathBuf,
    /// The sidecar.
    #[arg(long)]
    sidecar: PathBuf,
    /// The policies, a `.rego` file each.
    #[arg(long, default_value = "e2e/opa_envoy/policies")]
    policies: PathBuf,
    /// How many requests, over all policies.
    #[arg(long, default_value_t = 1000)]
    cases: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// After so many differences it ends.
    #[arg(long, default_value_t = 10)]
    differences: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut policies: Vec<PathBuf> = std::fs::read_dir(&arguments.policies)
        .with_context(|| arguments.policies.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    policies.retain(|path| path.extension().is_some_and(|extension| extension == "rego"));
    policies.sort();
    let each = arguments.cases.div_ceil(policies.len().max(1));
    let (mut compared, mut found) = (0, 0);
    let mut requests = Requests::new(arguments.seed);
    for policy in &policies {
        let setting = Setting {
            files: vec![policy.canonicalize()?],
            plugin: Vec::new(),
        };
        let theirs = Server::start(&arguments.opa_envoy, &setting).await?;
        let ours = Server::start(&arguments.sidecar, &setting).await?;
        for _ in 0..each {
            let request = requests.request();
            compared += 1;
            let Some((wanted, got)) = difference(&theirs, &ours, &request).await else {
                continue;
            };
            found += 1;
            println!("{}: {request:?}", policy.display());
            for (wanted, got) in wanted
                .lines()
                .zip(got.lines())
                .filter(|(wanted, got)| wanted != got)
            {
                println!("  wanted {wanted}\n  got    {got}");
            }
            anyhow::ensure!(
                found < arguments.differences,
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
