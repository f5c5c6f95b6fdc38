//! What an evaluation did, in lines near those of `opa eval --explain`.

use std::{collections::HashMap, fs, path::Path};

use postern_rego::{Event, Happened, Recording};

/// A file that is larger isn't looked into for the text of an expression.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// How much is told; OPA's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Explain {
    /// Nothing.
    #[default]
    Off,
    /// Rules tried, left out, their values, what they looked up, where they failed.
    Full,
    /// Where rules failed, and the rules around them.
    Fails,
    /// What was printed, and the rules around it.
    Notes,
}

/// The text of expressions, from the files that the policy was compiled from.
#[derive(Debug, Default)]
pub struct Texts {
    /// Whether the files are those that were compiled.
    are_there: bool,
    files: HashMap<String, Option<String>>,
}

impl Texts {
    /// Of a policy that was compiled from files just now, or of another, whose text isn't there.
    pub fn new(are_there: bool) -> Self {
        Self {
            are_there,
            files: HashMap::new(),
        }
    }

    fn line(&mut self, file: &str, row: u32) -> Option<String> {
        if !self.are_there || row == 0 {
            return None;
        }
        let text = self.files.entry(file.to_owned()).or_insert_with(|| {
            let path = Path::new(file);
            let small = fs::metadata(path).is_ok_and(|meta| meta.len() <= MAX_FILE_BYTES);
            small.then(|| fs::read_to_string(path).ok()).flatten()
        });
        let at = usize::try_from(row).ok()?.checked_sub(1)?;
        Some(text.as_ref()?.lines().nth(at)?.trim().to_owned())
    }
}

/// The lines that tell what happened when `query` was asked.
pub fn lines(
    explain: Explain,
    query: &str,
    (recording, is_defined, has_rows): (&Recording, bool, bool),
    texts: &mut Texts,
) -> Vec<String> {
    if explain == Explain::Off {
        return Vec::new();
    }
    let of_query = |what: &str, depth: usize| Line {
        place: "query:1".to_owned(),
        depth,
        text: format!("{what} {query} = _"),
    };
    let mut told = vec![of_query("Enter", 0)];
    // The rules around what comes next, which are told as soon as something in them is.
    let mut around: Vec<Option<Line>> = Vec::new();
    for event in recording.events() {
        let wanted = match explain {
            Explain::Off => false,
            Explain::Full => true,
            Explain::Fails => matches!(
                event.what,
                Happened::Failed | Happened::Conflict | Happened::Stopped { .. }
            ),
            Explain::Notes => matches!(event.what, Happened::Printed { .. }),
        };
        let line = line(event, texts);
        if wanted {
            told.extend(around.iter_mut().filter_map(Option::take));
            told.push(line);
        } else if event.what == Happened::Entered {
            around.resize_with(event.depth.saturating_sub(1), || None);
            around.push(Some(line));
        }
    }
    if !is_defined && explain != Explain::Notes {
        told.push(of_query("Fail", 1));
    } else if explain == Explain::Full {
        told.push(of_query("Exit", 1));
    }
    let width = told.iter().map(|line| line.place.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = told
        .into_iter()
        .map(|line| {
            let place = line.place;
            format!("{place:width$}  {}{}", "| ".repeat(line.depth), line.text)
        })
        .collect();
    if recording.is_cut() {
        lines.push("more happened than is told here".to_owned());
    }
    if !has_rows {
        lines
            .push("the plan doesn't say which files and rows its rules are from: it was stripped".to_owned());
    }
    lines
}

struct Line {
    place: String,
    depth: usize,
    text: String,
}

fn line(event: &Event, texts: &mut Texts) -> Line {
    let place = if event.place.row > 0 {
        format!("{}:{}", event.place.file, event.place.row)
    } else {
        "-".to_owned()
    };
    let rule = event.rule();
    let mut within = 1;
    let text = match &event.what {
        Happened::Entered => {
            within = 0;
            format!("Enter {rule}")
        }
        Happened::Succeeded { value } => format!("Exit {rule} = {value}"),
        Happened::Failed => match texts.line(&event.place.file, event.place.row) {
            Some(text) => format!("Fail {text}"),
            None => format!("Fail {rule}"),
        },
        Happened::Conflict => format!("Conflict {rule}"),
        Happened::Stopped { error } => format!("Error {error}"),
        Happened::Indexed { found, of, is_early } => {
            within = 0;
            let early = if *is_early { ", early exit" } else { "" };
            format!("Index {rule} (matched {found} of {of} rules{early})")
        }
        Happened::Skipped(why) => {
            within = 0;
            format!("Skip {rule} ({why})")
        }
        Happened::Read {
            path,
            is_defined: true,
        } => format!("Read {path}"),
        Happened::Read { path, .. } => format!("Read {path} (undefined)"),
        Happened::Printed { line } => format!("Note {line:?}"),
        other => format!("{other:?}"),
    };
    Line {
        place,
        depth: event.depth.saturating_add(within),
        text,
    }
}
