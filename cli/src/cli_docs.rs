//! docs/cli.md, held to what `--help` says: `UPDATE_DOCS=1` writes it again.

use std::{fmt::Write as _, fs, path::Path};

use clap::{Command, CommandFactory as _};

use crate::cli::Cli;

const HEAD: &str = "# The command line\n\n\
    `postern` develops with Postern, asks it questions, builds and pushes policy. Made from `--help` by a test \
    (`UPDATE_DOCS=1 cargo test -p postern`).\n\n\
    - **Exit codes**: 0 yes, done · 1 no, refused · 2 wrong usage, or it could not be asked.\n\
    - **Where**: commands take addresses and the credential from the data folder of `postern dev` (`--data-dir`, or \
    `POSTERN_DATA_DIR`); flags override it.\n\
    - **Output**: `-o json` and `-o yaml` have the same, stable members; colours and progress only on a terminal.\n\
    - **Completions**: `postern completions bash|zsh|fish|elvish|powershell` prints a script. \
    **Man pages**: `postern man DIR` writes them.\n";

fn rendered() -> String {
    let mut text = HEAD.to_owned();
    let mut cli = Cli::command().term_width(100).color(clap::ColorChoice::Never);
    cli.build();
    describe(&mut cli, &mut text);
    text
}

fn describe(command: &mut Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("postern").to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(
        text,
        "\n## {name}\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    );
    for command in command
        .get_subcommands_mut()
        // `help` says again what is here already.
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
    {
        describe(command, text);
    }
}

#[test]
fn the_documentation_says_what_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let wanted = rendered();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/cli.md is out of date: UPDATE_DOCS=1 cargo test -p postern"
    );
}

#[test]
fn every_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn only_what_works_shows_in_help() {
    let command = Cli::command();
    let shown: Vec<&str> = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(Command::get_name)
        .collect();
    assert_eq!(
        shown,
        [
            "dev",
            "status",
            "check",
            "explain",
            "bundle",
            "policy",
            "client",
            "api-key",
            "token",
            "revoke",
            "revocation",
            "spiffe"
        ]
    );
}

#[test]
fn every_command_has_examples() {
    fn check(command: &Command) {
        let leaf = command.get_subcommands().next().is_none();
        let has = command
            .get_after_help()
            .is_some_and(|help| help.to_string().contains("Example"));
        assert!(
            !leaf || command.get_name() == "upstream" || has,
            "{} has no examples",
            command.get_name()
        );
        command.get_subcommands().for_each(check);
    }
    check(&Cli::command());
}
