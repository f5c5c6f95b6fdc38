//! What becomes of a key or flag of OPA's. The tables say it, the code follows them, and the docs are written from them.

use postern_config::ConfigError;

use crate::key_table::KEYS;
use crate::notice::NotHonoured;
use crate::tree::{Node, Value};

/// What becomes of a key or flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does what it does in OPA, but for what this says; nothing if there is nothing to say.
    Honoured(&'static str),
    /// It has no effect, for this reason, and is named at start.
    NotHonoured(&'static str),
    /// Start is refused, and this says what to do. Passing over it would change decisions, or what is protected.
    Refused(&'static str),
}

/// A key of OPA's configuration.
#[derive(Clone, Copy, Debug)]
pub struct KnownKey {
    /// With dots; `*` stands for any name or index.
    pub path: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

/// Holds every key of `root` against the table: an error for the first that is refused, a notice for each that does
/// nothing.
pub(crate) fn hold(root: &Node, notices: &mut Vec<NotHonoured>) -> Result<(), ConfigError> {
    let table: Vec<Vec<&str>> = KEYS.iter().map(|key| key.path.split('.').collect()).collect();
    Walk { table, notices }.below(root, &mut Vec::new(), "")
}

struct Walk<'a> {
    table: Vec<Vec<&'static str>>,
    notices: &'a mut Vec<NotHonoured>,
}

impl Walk<'_> {
    fn below(&mut self, node: &Node, path: &mut Vec<String>, written: &str) -> Result<(), ConfigError> {
        match &node.value {
            Value::Map(entries) => {
                for (name, child) in entries {
                    let dot = if written.is_empty() { "" } else { "." };
                    self.child(child, path, name, &format!("{written}{dot}{name}"))?;
                }
            }
            Value::List(items) => {
                for (index, child) in items.iter().enumerate() {
                    self.child(child, path, &index.to_string(), &format!("{written}[{index}]"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn child(
        &mut self,
        node: &Node,
        path: &mut Vec<String>,
        name: &str,
        written: &str,
    ) -> Result<(), ConfigError> {
        path.push(name.to_owned());
        let known = self.table.iter().position(|pattern| same(pattern, path));
        let fate = known.and_then(|index| KEYS.get(index)).map(|key| key.fate);
        match fate {
            Some(Fate::NotHonoured(why)) => {
                self.notices.push(NotHonoured::new(written, node.at.clone(), why));
            }
            Some(Fate::Refused(fix)) if says_something(node) => return Err(node.at.error(written, fix)),
            None if !self.is_open(path) => {
                let why = self.unknown(path);
                self.notices.push(NotHonoured::new(written, node.at.clone(), why));
            }
            Some(Fate::Honoured(_) | Fate::Refused(_)) | None => {}
        }
        if matches!(fate, None | Some(Fate::Honoured(_))) && self.has_below(path) {
            self.below(node, path, written)?;
        }
        path.pop();
        Ok(())
    }

    /// Whether the table knows a key below `path`.
    fn has_below(&self, path: &[String]) -> bool {
        self.table
            .iter()
            .any(|pattern| pattern.len() > path.len() && begins(pattern, path))
    }

    /// Whether `path` is a name of the writer's own, such as that of a service.
    fn is_open(&self, path: &[String]) -> bool {
        self.has_below(path)
    }

    fn unknown(&self, path: &[String]) -> String {
        let Some((name, parent)) = path.split_last() else {
            return "unknown".to_owned();
        };
        let siblings = self
            .table
            .iter()
            .filter(|pattern| pattern.len() == path.len() && begins(pattern, parent));
        let mut near = siblings
            .filter_map(|pattern| pattern.last())
            .filter(|known| is_near(name, known));
        match near.next() {
            Some(known) => format!("unknown, to OPA, too; did you mean `{known}`?"),
            None => "unknown, to OPA, too".to_owned(),
        }
    }
}

fn same(pattern: &[&str], path: &[String]) -> bool {
    pattern.len() == path.len() && begins(pattern, path)
}

/// Whether `path` is a beginning of `pattern`. The first key is taken as it is written, the others in any case, as OPA
/// reads them.
fn begins(pattern: &[&str], path: &[String]) -> bool {
    path.iter()
        .zip(pattern)
        .enumerate()
        .all(|(depth, (name, known))| match depth {
            0 => name == known,
            _ => *known == "*" || name.eq_ignore_ascii_case(known),
        })
}

/// `null`, `false`, `""` and nothing in a map ask for nothing.
fn says_something(node: &Node) -> bool {
    match &node.value {
        Value::Null | Value::Flag(false) => false,
        Value::Text { text, .. } => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => true,
    }
}

/// Whether one letter more, less or other makes one of the other.
fn is_near(a: &str, b: &str) -> bool {
    let start = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let end = a
        .bytes()
        .rev()
        .zip(b.bytes().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (short, long) = (a.len().min(b.len()), a.len().max(b.len()));
    long - short <= 1 && start + end + 1 >= long || (long == short && start + end + 2 >= long)
}
