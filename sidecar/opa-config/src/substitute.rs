//! `${NAME}` in a configuration, as OPA puts the environment in: before YAML is read, so that a value may be any piece of
//! it. A variable that isn't set stays as it is written.

use crate::host::Host;

/// A text with its variables put in, and for each of its lines the line of the file that it came from.
pub(crate) struct Substituted {
    pub(crate) text: String,
    pub(crate) lines: Vec<u64>,
}

impl Substituted {
    /// The line of the file that `line` of the text came from; both from 1.
    pub(crate) fn origin(&self, line: u64) -> u64 {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        self.lines.get(index).copied().unwrap_or(line)
    }
}

/// Puts the environment of `host` into `text`.
pub(crate) fn substitute(text: &str, host: &dyn Host) -> Substituted {
    let mut lines = Vec::new();
    let mut whole = String::with_capacity(text.len());
    for (line, number) in text.split_inclusive('\n').zip(1_u64..) {
        let line = in_line(line, host);
        lines.extend(std::iter::repeat_n(number, line.split_inclusive('\n').count()));
        whole.push_str(&line);
    }
    Substituted { text: whole, lines }
}

/// The same for a text that isn't cut into lines.
pub(crate) fn substitute_text(text: &str, host: &dyn Host) -> String {
    substitute(text, host).text
}

/// A variable never reaches over a line's end.
fn in_line(mut rest: &str, host: &dyn Host) -> String {
    let mut out = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, beyond)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        match host.variable(name) {
            // OPA drops `${}`.
            _ if name.is_empty() => {}
            Some(value) => out.push_str(&value),
            None => {
                out.push_str("${");
                out.push_str(name);
                out.push('}');
            }
        }
        rest = beyond;
    }
    out.push_str(rest);
    out
}
