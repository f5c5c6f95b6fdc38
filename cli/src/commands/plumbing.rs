//! Shell completions and man pages, made from the same definitions as `--help`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{cli::Cli, exit::Exit, output};

/// `postern completions SHELL`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  postern completions bash > ~/.local/share/bash-completion/completions/postern"
)]
pub struct CompletionsArgs {
    /// For which shell.
    pub shell: Shell,
}

/// `postern man DIR`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  postern man ~/.local/share/man/man1 && man postern-check")]
pub struct ManArgs {
    /// Where to; made if it isn't there.
    pub dir: PathBuf,
}

/// Prints a completion script.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "postern", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Yes)
}

/// Writes a man page for each command.
pub fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    let dir = &args.dir;
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .with_context(|| format!("writing man pages into {}", dir.display()))?;
    Ok(Exit::Yes)
}
