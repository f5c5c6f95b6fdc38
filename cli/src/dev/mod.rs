//! `postern dev`: everything on one machine, each part its own process, as in production. Ends what it started.

mod args;
mod banner;
mod clients;
mod demo;
mod folder;
mod forged;
mod http;
mod last_lines;
mod leftovers;
mod part;
pub mod policy;
mod ports;
mod programs;
mod progress;
mod ready;
mod settings;
mod setup;
mod signals;
mod signing_key;
mod start;
mod supervisor;
pub mod upstream;

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc;

pub use args::DevArgs;

use crate::{clock, exit::Exit, output, target::DevFile};
use folder::write_private;
use policy::Maker;
use progress::Progress;
use setup::Setup;
use signals::StopSignals;
use start::Running;
use supervisor::{Death, Supervisor};

/// Runs until it is told to stop.
pub async fn run(args: DevArgs) -> anyhow::Result<Exit> {
    let mut signals = StopSignals::listen().context("listening for Ctrl-C")?;
    let setup = Setup::prepare(&args)?;
    let (mut supervisor, mut deaths) = Supervisor::new();
    let ended = tokio::select! {
        ended = serve(&args, &setup, &mut supervisor, &mut deaths) => ended,
        () = signals.next() => Ok(Exit::Yes),
    };
    if let Err(error) = &ended {
        output::note(&format!("error: {}", output::in_full(error)));
    }
    output::note("stopping …");
    supervisor.stop(signals.next()).await;
    output::note("stopped; nothing is left running");
    Ok(ended.unwrap_or(Exit::No))
}

/// Starts, says READY, and tells what happens from then on. Ends only when the start fails.
async fn serve(
    args: &DevArgs,
    setup: &Setup,
    supervisor: &mut Supervisor,
    deaths: &mut mpsc::Receiver<Death>,
) -> anyhow::Result<Exit> {
    let progress = Progress::new();
    let maker = Maker::new(Arc::clone(&setup.signer), args.opa.as_deref())?;
    let started = tokio::select! {
        started = start::start(setup, maker, supervisor, &progress) => started,
        // READY needs every part, so the first that dies before it is the reason that there won't be one.
        Some(death) = deaths.recv() => Err(anyhow::anyhow!("{}", told(&death))),
    };
    progress.finish();
    let Running { dev, publisher, look } = started?;
    announce(setup, &dev)?;
    let report = async {
        while let Some(death) = deaths.recv().await {
            output::note(&format!(
                "{}\n  the others go on; dev.json has the command that starts it again",
                told(&death)
            ));
        }
    };
    tokio::join!(report, policy::follow(publisher, look));
    Ok(Exit::Yes)
}

/// Writes `dev.json`, then says everything, READY last.
fn announce(setup: &Setup, dev: &DevFile) -> anyhow::Result<()> {
    let path = DevFile::path(setup.folder.root());
    let json = serde_json::to_vec_pretty(dev).context("writing dev.json")?;
    write_private(&path, &json).with_context(|| format!("writing {}", path.display()))?;
    let forged = forged::forged_token(&dev.issuer, clock::now())?;
    let again = banner::Again {
        program: &setup.postern,
        data_dir: setup.folder.root(),
    };
    output::line(&format!("{}\nREADY", banner::banner(dev, again, &forged)))
}

/// A death and the last lines, for a person.
fn told(death: &Death) -> String {
    let mut text = format!(
        "the {} (process {}) died: {}",
        death.part.title(),
        death.pid,
        death.how
    );
    for line in &death.last_lines {
        text.push_str("\n  | ");
        text.push_str(line);
    }
    text
}
