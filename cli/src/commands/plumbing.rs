//! Shell completions and man pages, made from the same definitions as `--help`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
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
    output::line(script(args.shell).trim_end())?;
    Ok(Exit::Yes)
}

/// The generators know nothing of hidden commands, so these are left out here.
fn script(shell: Shell) -> String {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set());
    let mut cli = Command::new("postern")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(shown.cloned());
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, "postern", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes a man page for each command.
pub fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    let dir = &args.dir;
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .with_context(|| format!("writing man pages into {}", dir.display()))?;
    Ok(Exit::Yes)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn completions_offer_what_help_shows() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            assert!(script.contains("status"), "{shell}");
            assert!(
                !script.contains("postern upstream") && !script.contains("postern__upstream"),
                "{shell}"
            );
            assert!(!script.contains("The demo's upstream"), "{shell}");
        }
    }
}
