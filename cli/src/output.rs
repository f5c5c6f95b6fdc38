//! What a command found, printed as a person or a program wants it. Never decides an exit code.

use std::io::Write as _;

use anyhow::Context as _;
use comfy_table::{Table, presets};
use serde::Serialize;

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For reading.
    #[default]
    Table,
    /// For programs; the members are stable.
    Json,
    /// The same members as `json`.
    Yaml,
}

/// `-o`, for every command that has something to print.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct OutputArgs {
    /// How to print what was found.
    #[arg(
        short = 'o',
        long = "output",
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub output: Format,
}

/// What can be printed: its members for programs, its text for people.
pub trait Printed: Serialize {
    /// What a person reads; without a last newline.
    fn human(&self) -> String;
}

/// Prints `value` on standard output.
pub fn print<T: Printed>(format: Format, value: &T) -> anyhow::Result<()> {
    let text = match format {
        Format::Table => value.human(),
        Format::Json => serde_json::to_string_pretty(value).context("writing JSON")?,
        Format::Yaml => serde_saphyr::to_string(value).context("writing YAML")?,
    };
    line(text.trim_end())
}

/// Prints one line, or several, on standard output. A closed pipe (`| head`) is not an error.
pub fn line(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("writing to standard output")
        }
        _ => Ok(()),
    }
}

/// Prints one line, or several, on standard error. What can't be said there can't be said anywhere.
pub fn note(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// An error with its causes, each said once: many a message says its cause itself.
pub fn in_full(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let colon = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{colon}{cause}");
        }
    }
    text
}

/// A table with a head and no lines, as `kubectl` draws them.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    let text = table.to_string();
    // Each cell is padded by a space on both sides.
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("reading a: {source}")]
    struct SaysItsCause {
        source: std::io::Error,
    }

    #[test]
    fn a_cause_is_said_once_and_none_is_left_out() {
        let error = SaysItsCause {
            source: std::io::Error::other("no disk"),
        };
        let error = Err::<(), _>(error).context("starting").unwrap_err();
        assert_eq!(in_full(&error), "starting: reading a: no disk");
        let silent = anyhow::anyhow!("bottom").context("top");
        assert_eq!(in_full(&silent), "top: bottom");
    }

    #[test]
    fn a_table_begins_at_the_margin() {
        let text = table(["A", "LONG"], [["wide cell".to_owned(), "x".to_owned()]]);
        assert_eq!(text, "A          LONG\nwide cell  x");
    }
}
