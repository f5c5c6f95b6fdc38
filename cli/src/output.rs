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

/// A table with a head and no lines, as `kubectl` draws them.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}
