//! `postern-bench`: what `make bench` runs. Prints tables, draws plots, writes `target/bench/summary.json`.

#![expect(clippy::print_stdout, reason = "its tables are for people")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use postern_e2e::bench::{self, Measured, Setting, Shape};
use postern_e2e::report::Summary;

/// Measures Postern and prints the tables of docs/benchmarks.md.
#[derive(Parser)]
#[command(name = "postern-bench", version)]
struct Arguments {
    /// What to measure; everything where none is named.
    part: Vec<Part>,
    /// The repository.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Folder of the release binaries; the one this program lies in where none is named.
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Folder of the shipped build; the sibling `dist` where none is named.
    #[arg(long)]
    shipped: Option<PathBuf>,
    /// The program of opa-envoy-plugin; what is measured beside it is left out where none is named.
    #[arg(long)]
    opa_envoy: Option<PathBuf>,
    /// A B pairs for each ratio.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measured stretch.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    /// CPU per Check beside the null server.
    Check,
    /// Allocations and instructions of a check.
    Counts,
    /// Latency that the sidecar adds through a real Envoy.
    Envoy,
    /// CPU per Check as keys, routes and revocations grow.
    Growth,
    /// A Check beside opa-envoy-plugin.
    Peers,
    /// Policy evaluation beside OPA.
    Policy,
    /// Size, start and memory of the shipped build.
    Shipped,
    /// Latency while policy is replaced.
    Swap,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let root = arguments.root.canonicalize()?;
    let own = std::env::current_exe()?;
    let binaries = arguments
        .binaries
        .or_else(|| own.parent().map(Into::into))
        .unwrap_or_default();
    let setting = Setting {
        output: root.join("target/bench"),
        root,
        binaries,
        rounds: arguments.rounds.max(1),
    };
    let shape = Shape {
        stretch: Duration::from_secs(arguments.seconds.max(1)),
        warm_up: Duration::from_secs(1),
        rate: 1_000,
    };
    let wanted = |part| arguments.part.is_empty() || arguments.part.contains(&part);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut whole = Summary::default();
    let mut show = |measured: Measured| {
        println!("{}", measured.text);
        whole.extend(measured.summary);
    };
    if wanted(Part::Policy) {
        show(bench::policy(&setting)?);
    }
    if wanted(Part::Counts) {
        show(bench::counts(&setting)?);
    }
    if wanted(Part::Check) {
        show(runtime.block_on(bench::check(&setting, shape))?);
    }
    if wanted(Part::Growth) {
        show(runtime.block_on(bench::growth(&setting, shape))?);
        show(runtime.block_on(bench::connections(&setting, shape))?);
    }
    if wanted(Part::Envoy) {
        show(runtime.block_on(bench::through_envoy(&setting, shape))?);
    }
    if wanted(Part::Peers) {
        match &arguments.opa_envoy {
            Some(plugin) => show(runtime.block_on(bench::peers(&setting, shape, plugin))?),
            None if arguments.part.contains(&Part::Peers) => {
                anyhow::bail!("--opa-envoy: name the program of opa-envoy-plugin")
            }
            None => {}
        }
    }
    if wanted(Part::Swap) {
        show(runtime.block_on(bench::swap(&setting, shape))?);
    }
    if wanted(Part::Shipped) {
        let shipped = arguments
            .shipped
            .unwrap_or_else(|| setting.binaries.with_file_name("dist"));
        show(runtime.block_on(bench::shipped(&setting, shape, &shipped))?);
    }
    let path = setting.output.join("summary.json");
    whole.write(&path)?;
    println!("{}\n{}", path.display(), std::fs::read_to_string(&path)?);
    Ok(())
}
