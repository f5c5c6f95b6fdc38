//! Documents: blocks by indentation, and what stands on their lines.

use super::flow::collection;
use super::quoted::quoted;
use super::scalar::resolve;
use super::{MAX_DEPTH, Problem};
use crate::value::{Array, Object, Value};

type Read<T> = Result<T, Problem>;

/// The first document of a text; the others must be ones too.
pub(super) fn read(text: &str) -> Read<Value> {
    let is_plain = |char: char| matches!(char, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..);
    let is_plain = |char: char| is_plain(char) && !matches!(char, '\u{2028}' | '\u{2029}');
    if !text.chars().all(|char| char == '\t' || is_plain(char)) {
        return Err(Problem::NotSupported("control characters"));
    }
    let mut documents = vec![String::new()];
    let mut marked = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', ' ']);
        if content == "---" {
            // What comes before the first is no document if there is nothing in it.
            let is_blank = documents
                .iter()
                .all(|text| Lines::new(text).is_ok_and(|lines| lines.at_end()));
            if marked || !is_blank {
                documents.push(String::new());
            }
            marked = true;
            continue;
        }
        if line.starts_with("---") || line.starts_with("...") || line.starts_with('%') {
            return Err(Problem::NotSupported(
                "directives, or text beside document markers",
            ));
        }
        if let Some(document) = documents.last_mut() {
            document.push_str(line);
        }
    }
    if documents.iter().any(|document| starts_with_tab(document)) {
        return Err(Problem::Invalid(
            "yaml: found character that cannot start any token".into(),
        ));
    }
    if text.contains('\t') {
        return Err(Problem::NotSupported("tabs"));
    }
    let mut first = None;
    for document in &documents {
        let value = self::document(document)?;
        first.get_or_insert(value);
    }
    Ok(first.unwrap_or(Value::Null))
}

/// Whether the first content of a document has a tab before it, which no document may.
fn starts_with_tab(document: &str) -> bool {
    let mut lines = document.lines().map(|line| line.trim_start_matches(' '));
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line.starts_with('\t') && !line.trim_start().is_empty())
}

fn document(text: &str) -> Read<Value> {
    let mut lines = Lines::new(text)?;
    let Some((indent, _)) = lines.peek() else {
        return Ok(Value::Null);
    };
    let is_block = lines.is_block();
    let value = lines.node(0)?;
    match lines.peek() {
        None => Ok(value),
        Some((next, _)) if is_block && next < indent => Err(Problem::Invalid(
            "yaml: did not find expected <document start>".into(),
        )),
        Some(_) => Err(Problem::NotSupported("lines that belong to nothing")),
    }
}

/// A key as JSON has it.
pub(super) fn key(value: &Value) -> Read<Value> {
    Ok(match value {
        Value::String(_) => value.clone(),
        Value::Bool(flag) => Value::from(flag.to_string()),
        Value::Number(number) if number.as_i64().is_some() => Value::from(number.as_str().into_owned()),
        _ => return Err(Problem::NotSupported("such keys")),
    })
}

/// What is left of a document.
struct Lines<'t> {
    text: &'t str,
    /// How far the next line's content is indented; that of an item counts from behind its dash.
    indent: usize,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Read<Self> {
        let mut lines = Lines { text, indent: 0 };
        lines.next_line();
        Ok(lines)
    }

    fn at_end(&self) -> bool {
        self.text.is_empty()
    }

    /// Goes to the next line with content. To be called at the start of a line.
    fn next_line(&mut self) {
        loop {
            let content = self.text.trim_start_matches(' ');
            self.indent = self.text.len() - content.len();
            self.text = content;
            if !content.starts_with(['\n', '#']) {
                return;
            }
            self.text = content.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    /// The indent and content of the next line.
    fn peek(&self) -> Option<(usize, &'t str)> {
        let line = self.text.split('\n').next().unwrap_or_default();
        (!self.text.is_empty()).then_some((self.indent, line))
    }

    fn is_block(&self) -> bool {
        let line = self.peek().map_or("", |(_, line)| line);
        is_item(line) || matches!(split_key(line), Ok(Some(_)))
    }

    /// The value that starts here, with all that belongs to it.
    fn node(&mut self, depth: usize) -> Read<Value> {
        if depth > MAX_DEPTH {
            return Err(Problem::NotSupported("so deep a nesting"));
        }
        let Some((indent, line)) = self.peek() else {
            return Ok(Value::Null);
        };
        if is_item(line) {
            return self.sequence(indent, depth);
        }
        if split_key(line)?.is_some() {
            return self.mapping(indent, depth);
        }
        // A scalar or a flow collection, alone.
        self.inline(depth)
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Read<Value> {
        let mut items = Vec::new();
        while let Some((at, line)) = self.peek() {
            if at != indent || !is_item(line) {
                if at > indent {
                    return Err(Problem::NotSupported("lines that belong to nothing"));
                }
                break;
            }
            let content = line.get(1..).unwrap_or_default();
            let trimmed = content.trim_start_matches(' ');
            let skipped = 1 + content.len() - trimmed.len();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                self.skip_line();
                items.push(self.below(indent, false, depth)?);
                continue;
            }
            // The rest of the line is as a line of its own.
            self.text = self.text.get(skipped..).unwrap_or_default();
            self.indent = indent + skipped;
            items.push(self.node(depth + 1)?);
        }
        Ok(Value::from(Array::from(items)))
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> Read<Value> {
        let mut members = Object::default();
        while let Some((at, line)) = self.peek() {
            if at < indent {
                break;
            }
            let Some((key, length)) = split_key(line)?.filter(|_| at == indent && !is_item(line)) else {
                return Err(Problem::NotSupported("lines that belong to nothing"));
            };
            let rest = line.get(length..).unwrap_or_default();
            let trimmed = rest.trim_start_matches(' ');
            let value = if trimmed.is_empty() || trimmed.starts_with('#') {
                self.skip_line();
                self.below(indent, true, depth)?
            } else {
                self.text = self.text.get(line.len() - trimmed.len()..).unwrap_or_default();
                // Two keys on a line aren't YAML; that isn't told from what is.
                if is_item(trimmed) || split_key(trimmed)?.is_some() {
                    return Err(Problem::NotSupported("several keys on a line"));
                }
                self.inline(depth)?
            };
            members.insert(key, value);
            if self.peek().is_some_and(|(next, _)| next > indent) {
                return Err(Problem::NotSupported("scalars over several lines"));
            }
        }
        Ok(Value::from(members))
    }

    /// What stands below a key or a dash without a value: deeper, or an item at a key's own indent, or nothing.
    fn below(&mut self, indent: usize, of_key: bool, depth: usize) -> Read<Value> {
        match self.peek() {
            Some((at, _)) if at > indent => self.node(depth + 1),
            Some((at, line)) if of_key && at == indent && is_item(line) => self.sequence(indent, depth + 1),
            _ => Ok(Value::Null),
        }
    }

    /// A scalar on this line, or a flow collection from here.
    fn inline(&mut self, depth: usize) -> Read<Value> {
        let line = self.peek().map_or("", |(_, line)| line);
        let value = match line.as_bytes().first() {
            Some(b'[' | b'{') => {
                let (value, rest) = collection(self.text, depth + 1)?;
                self.text = rest;
                value
            }
            Some(b'"' | b'\'') => {
                let (text, rest) = quoted(self.text)?;
                self.text = rest;
                Value::from(text)
            }
            _ => {
                let (text, rest) = plain(self.text)?;
                self.text = rest;
                resolve(text)?
            }
        };
        // Nothing but a comment may follow on the line.
        let rest = self.text.split('\n').next().unwrap_or_default();
        let trimmed = rest.trim_start_matches(' ');
        if !(trimmed.is_empty() || trimmed.starts_with('#') && trimmed.len() < rest.len()) {
            return Err(Problem::NotSupported("text behind a value"));
        }
        let was = self.indent;
        self.skip_line();
        // It could go on, as a scalar of several lines does.
        if self.peek().is_some_and(|(next, _)| next > was) {
            return Err(Problem::NotSupported("scalars over several lines"));
        }
        Ok(value)
    }

    fn skip_line(&mut self) {
        self.text = self.text.split_once('\n').map_or("", |(_, rest)| rest);
        self.next_line();
    }
}

fn is_item(line: &str) -> bool {
    line.strip_prefix('-')
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The key that a line starts with and how long it is with its colon, if it has one.
fn split_key(line: &str) -> Read<Option<(Value, usize)>> {
    if line.starts_with(['"', '\'']) {
        let (text, rest) = quoted(line)?;
        let after = rest.trim_start_matches(' ');
        return match after.strip_prefix(':') {
            Some(value) if value.is_empty() || value.starts_with(' ') => {
                Ok(Some((Value::from(text), line.len() - value.len())))
            }
            _ => Ok(None),
        };
    }
    if line.starts_with(['[', '{']) {
        return Ok(None);
    }
    let comment = line.find(" #").unwrap_or(line.len());
    let inside = line.get(..comment).unwrap_or(line);
    let colon = inside
        .match_indices(':')
        .map(|(at, _)| at)
        .find(|at| matches!(line.as_bytes().get(at + 1), None | Some(b' ')));
    let Some(colon) = colon else {
        return Ok(None);
    };
    let text = line.get(..colon).unwrap_or_default().trim_end_matches(' ');
    check_plain(text)?;
    if text.is_empty() || text.len() > 500 {
        return Err(Problem::NotSupported("such keys"));
    }
    Ok(Some((key(&resolve(text)?)?, colon + 1)))
}

/// A scalar without quotes, up to a comment or the line's end.
fn plain(text: &str) -> Read<(&str, &str)> {
    let end = text.find('\n').unwrap_or(text.len());
    let line = text.get(..end).unwrap_or_default();
    let end = line.find(" #").unwrap_or(line.len());
    let (scalar, _) = line.split_at_checked(end).unwrap_or((line, ""));
    let scalar = scalar.trim_end_matches(' ');
    check_plain(scalar)?;
    if scalar.ends_with(':') || scalar.contains(": ") {
        return Err(Problem::NotSupported("several keys on a line"));
    }
    Ok((scalar, text.get(scalar.len()..).unwrap_or_default()))
}

/// Refuses what starts with a character that has a meaning: anchors, tags, long texts, and what is no YAML.
fn check_plain(text: &str) -> Read<()> {
    let starts_with_meaning = text.starts_with([
        ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`',
    ]);
    let first_alone = matches!(
        text.as_bytes(),
        [b'-' | b'?' | b':'] | [b'-' | b'?' | b':', b' ', ..]
    );
    if starts_with_meaning || first_alone {
        Err(Problem::NotSupported(
            "anchors, tags, block scalars or reserved characters",
        ))
    } else {
        Ok(())
    }
}
