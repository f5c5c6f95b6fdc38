//! The text of a template.

use super::{BuiltinError, MAX_DEPTH, refused};

/// A field of something: of what `.` is, or of a variable; `$` is the variable without a name.
pub(super) struct Path {
    pub(super) variable: Option<String>,
    pub(super) fields: Vec<String>,
}

pub(super) enum Node {
    Text(String),
    Show(Path),
    Set(String, Path),
    Block(Block),
}

pub(super) enum Kind {
    If,
    With(Option<String>),
    /// Variables for the place and the element, or for the element alone.
    Range(Vec<String>),
}

pub(super) struct Block {
    pub(super) kind: Kind,
    pub(super) path: Path,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

enum Piece<'a> {
    Text(&'a str),
    Action(Vec<&'a str>),
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Text and actions in turn, spaces trimmed where actions say so.
fn pieces(template: &str) -> Result<Vec<Piece<'_>>, BuiltinError> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut trim = false;
    loop {
        let (text, after) = match rest.split_once("{{") {
            Some((text, after)) => (text, Some(after)),
            None => (rest, None),
        };
        let mut text = if trim {
            text.trim_start_matches(SPACE)
        } else {
            text
        };
        let marked = after.and_then(|after| after.strip_prefix('-'));
        let marked = marked.filter(|marked| marked.starts_with(SPACE));
        if marked.is_some() {
            text = text.trim_end_matches(SPACE);
        }
        pieces.push(Piece::Text(text));
        let Some(after) = marked.or(after) else {
            return Ok(pieces);
        };
        let Some((action, after)) = after.split_once("}}") else {
            return Err(refused("an action without an end"));
        };
        let trimmed = action.strip_suffix('-').filter(|action| action.ends_with(SPACE));
        trim = trimmed.is_some();
        let action = trimmed.unwrap_or(action);
        if action.contains(['"', '`', '\'', '/']) {
            return Err(refused("a literal or a comment"));
        }
        pieces.push(Piece::Action(words(action)));
        rest = after;
    }
}

/// What spaces part; a comma and `:=` are words of their own.
fn words(action: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for mut word in action.split(SPACE).filter(|word| !word.is_empty()) {
        while let Some(at) = word.find([',', ':']) {
            let (before, mark) = word.split_at(at);
            let length = if mark.starts_with(":=") { 2 } else { 1 };
            let (mark, after) = mark.split_at(length);
            words.extend([before, mark].into_iter().filter(|word| !word.is_empty()));
            word = after;
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    words
}

/// How a list of nodes ends.
enum Ending<'a> {
    Text,
    Closed,
    /// With what follows: a condition, or nothing.
    Else(Vec<&'a str>),
}

pub(super) fn parse(template: &str) -> Result<Vec<Node>, BuiltinError> {
    let pieces = pieces(template)?;
    let mut parser = Parser {
        pieces: pieces.into_iter(),
        variables: Vec::new(),
    };
    match parser.nodes(0)? {
        (nodes, Ending::Text) => Ok(nodes),
        _ => Err(refused("an `end` or `else` of nothing")),
    }
}

struct Parser<'a> {
    pieces: std::vec::IntoIter<Piece<'a>>,
    /// Those that are set where the parser is.
    variables: Vec<String>,
}

impl<'a> Parser<'a> {
    /// Recurses as deep as actions nest, which is bounded.
    fn nodes(&mut self, depth: usize) -> Result<(Vec<Node>, Ending<'a>), BuiltinError> {
        if depth > MAX_DEPTH {
            return Err(refused("nesting deeper than 100"));
        }
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let words = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text.to_owned()));
                    continue;
                }
                Piece::Action(words) => words,
            };
            match words.as_slice() {
                ["end"] => return Ok((nodes, Ending::Closed)),
                ["else", after @ ..] => return Ok((nodes, Ending::Else(after.to_vec()))),
                ["if", path] => nodes.push(self.block(Kind::If, path, depth)?),
                ["with", path] => nodes.push(self.block(Kind::With(None), path, depth)?),
                ["with", name, ":=", path] => {
                    let kind = Kind::With(Some(variable(name)?));
                    nodes.push(self.block(kind, path, depth)?);
                }
                ["range", path] => nodes.push(self.block(Kind::Range(Vec::new()), path, depth)?),
                ["range", name, ":=", path] => {
                    let kind = Kind::Range(vec![variable(name)?]);
                    nodes.push(self.block(kind, path, depth)?);
                }
                ["range", place, ",", name, ":=", path] => {
                    let kind = Kind::Range(vec![variable(place)?, variable(name)?]);
                    nodes.push(self.block(kind, path, depth)?);
                }
                [name, ":=", path] => {
                    let path = self.path(path)?;
                    let name = variable(name)?;
                    self.variables.push(name.clone());
                    nodes.push(Node::Set(name, path));
                }
                [path] => nodes.push(Node::Show(self.path(path)?)),
                _ => return Err(refused(&format!("`{}`", words.join(" ")))),
            }
        }
        Ok((nodes, Ending::Text))
    }

    fn block(&mut self, kind: Kind, path: &str, depth: usize) -> Result<Node, BuiltinError> {
        let path = self.path(path)?;
        let known = self.variables.len();
        match &kind {
            Kind::If | Kind::With(None) => {}
            Kind::With(Some(name)) => self.variables.push(name.clone()),
            Kind::Range(names) => self.variables.extend(names.iter().cloned()),
        }
        let within = self.variables.len();
        let (body, mut end) = self.nodes(depth + 1)?;
        self.variables.truncate(within);
        let mut otherwise = Vec::new();
        if let Ending::Else(after) = end {
            (otherwise, end) = match (after.as_slice(), &kind) {
                ([], _) => self.nodes(depth + 1)?,
                // It shares the `end`.
                (["if", path], Kind::If) => {
                    self.variables.truncate(known);
                    (vec![self.block(Kind::If, path, depth + 1)?], Ending::Closed)
                }
                _ => {
                    return Err(refused(
                        "an `else` with a condition, but for `else if` after `if`,",
                    ));
                }
            };
        }
        if !matches!(end, Ending::Closed) {
            return Err(refused("a block without one `end`"));
        }
        self.variables.truncate(known);
        Ok(Node::Block(Block {
            kind,
            path,
            body,
            otherwise,
        }))
    }

    fn path(&self, word: &str) -> Result<Path, BuiltinError> {
        let odd = || Err(refused(&format!("`{word}`")));
        let (variable, fields) = match word.strip_prefix('$') {
            None => (None, word),
            Some(rest) => {
                let (name, _) = rest.split_once('.').unwrap_or((rest, ""));
                let fields = rest.strip_prefix(name).unwrap_or_default();
                if !name.is_empty() && !self.variables.iter().any(|known| known == name) {
                    return odd();
                }
                (Some(name.to_owned()), fields)
            }
        };
        let fields = match fields.strip_prefix('.') {
            Some("") if variable.is_none() => Vec::new(),
            Some(fields) => fields.split('.').map(str::to_owned).collect(),
            None if fields.is_empty() && variable.is_some() => Vec::new(),
            None => return odd(),
        };
        if fields.iter().all(|field| is_name(field)) {
            Ok(Path { variable, fields })
        } else {
            odd()
        }
    }
}

fn variable(word: &str) -> Result<String, BuiltinError> {
    match word.strip_prefix('$').filter(|name| is_name(name)) {
        Some(name) => Ok(name.to_owned()),
        None => Err(refused(&format!("`{word} :=`"))),
    }
}

fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit())
}
