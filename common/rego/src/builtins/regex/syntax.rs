//! Go's regular expressions (regexp/syntax with its Perl flags), read into `regex-syntax`'s trees: what Go takes is
//! taken, with Go's meaning, and what it refuses is refused in its words. Only sizes have bounds of our own.

use regex_syntax::hir::{Class, Dot, Hir, Look, Repetition};

use super::class;

mod charclass;
mod escapes;
mod groups;
mod node;

use node::Node;

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 1 << 16;
/// How deep groups and repetitions nest. Go takes a thousand.
const MAX_DEPTH: usize = 200;
/// The most instructions, counted as Go counts them; it takes some three millions.
const MAX_SIZE: u64 = 500_000;
/// The most ranges of characters in all classes together.
const MAX_RANGES: usize = 100_000;
/// The most repetitions of one thing, nested ones multiplied. Go's bound.
const MAX_REPEATS: u64 = 1000;

/// A pattern as it was read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) hir: Hir,
    /// The names of the groups, by their numbers; the first is the whole match.
    pub(super) names: Vec<Option<String>>,
    /// Instructions, as Go counts them.
    pub(super) size: usize,
    /// Whether it asks for surrogates, which no text has, and which Go mistakes for U+FFFD at times.
    pub(super) has_surrogates: bool,
}

/// Why there is no tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Go refuses it too, in these words.
    Syntax(String),
    /// It goes beyond a bound that Go doesn't have.
    Bound(&'static str),
}

type Parse<T> = Result<T, Refusal>;

/// Reads a pattern.
pub(super) fn parse(pattern: &str) -> Parse<Parsed> {
    if pattern.len() > MAX_PATTERN {
        return Err(Refusal::Bound("longer than 64 KiB"));
    }
    let mut parser = Parser {
        pattern,
        at: 0,
        flags: Flags::default(),
        frames: vec![Frame::default()],
        names: vec![None],
        ranges: 0,
        has_surrogates: false,
    };
    parser.run()?;
    let (Some(frame), true) = (parser.frames.pop(), parser.frames.is_empty()) else {
        return Err(parser.error("missing closing )", pattern));
    };
    let node = parser.alternation(frame)?;
    Ok(Parsed {
        hir: node.hir,
        size: usize::try_from(node.size).unwrap_or(usize::MAX),
        names: parser.names,
        has_surrogates: parser.has_surrogates,
    })
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_nl: bool,
    non_greedy: bool,
}

/// What an open parenthesis holds.
#[derive(Default)]
struct Frame {
    /// The number of the group, if it is one.
    capture: Option<u32>,
    /// The flags to return to.
    flags: Flags,
    /// What came before the last `|`.
    alternatives: Vec<Node>,
    items: Vec<Node>,
}

struct Parser<'p> {
    pattern: &'p str,
    at: usize,
    flags: Flags,
    /// Never empty until the end.
    frames: Vec<Frame>,
    names: Vec<Option<String>>,
    ranges: usize,
    has_surrogates: bool,
}

impl<'p> Parser<'p> {
    fn run(&mut self) -> Parse<()> {
        // Where the repetition right before starts.
        let mut last_repeat = None;
        while let Some(&byte) = self.pattern.as_bytes().get(self.at) {
            let mut repeat = None;
            match byte {
                b'(' if self.rest().starts_with("(?") => self.flags_or_group()?,
                b'(' => {
                    self.at += 1;
                    self.open_group(None)?;
                }
                b'|' => {
                    self.at += 1;
                    self.bar()?;
                }
                b')' => {
                    self.at += 1;
                    self.close()?;
                }
                b'^' if self.flags.multi_line => self.look(Look::StartLF, 1)?,
                b'^' => self.look(Look::Start, 1)?,
                b'$' if self.flags.multi_line => self.look(Look::EndLF, 1)?,
                b'$' => self.look(Look::End, 1)?,
                b'.' => {
                    self.at += 1;
                    let dot = if self.flags.dot_nl {
                        Dot::AnyChar
                    } else {
                        Dot::AnyCharExceptLF
                    };
                    self.push(Node::leaf(Hir::dot(dot)))?;
                }
                b'[' => self.class()?,
                b'*' | b'+' | b'?' => {
                    let start = self.at;
                    self.at += 1;
                    let bounds = match byte {
                        b'*' => (0, None),
                        b'+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(start, bounds, false, last_repeat)?;
                    repeat = Some(start);
                }
                b'{' => {
                    let start = self.at;
                    if let Some(bounds) = self.counts()? {
                        self.repeat(start, bounds, true, last_repeat)?;
                        repeat = Some(start);
                    } else {
                        self.at += 1;
                        self.literal('{')?;
                    }
                }
                b'\\' => self.backslash()?,
                _ => {
                    if let Some(char) = self.next_char() {
                        self.literal(char)?;
                    }
                }
            }
            last_repeat = repeat;
        }
        Ok(())
    }

    /// What is left of the pattern.
    fn rest(&self) -> &'p str {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    /// The pattern from a position up to here.
    fn since(&self, start: usize) -> &'p str {
        self.pattern.get(start..self.at).unwrap_or_default()
    }

    fn next_char(&mut self) -> Option<char> {
        let char = self.rest().chars().next()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn error(&self, what: &str, at: &str) -> Refusal {
        Refusal::Syntax(format!("error parsing regexp: {what}: `{at}`"))
    }

    fn look(&mut self, look: Look, length: usize) -> Parse<()> {
        self.at += length;
        self.push(Node::leaf(Hir::look(look)))
    }

    /// `\Q…\E`, what stands for a class or a place, or an escaped character.
    fn backslash(&mut self) -> Parse<()> {
        let start = self.at;
        match self.pattern.as_bytes().get(self.at + 1) {
            Some(b'A') => return self.look(Look::Start, 2),
            Some(b'b') => return self.look(Look::WordAscii, 2),
            Some(b'B') => return self.look(Look::WordAsciiNegate, 2),
            Some(b'z') => return self.look(Look::End, 2),
            Some(b'C') => return Err(self.error("invalid escape sequence", r"\C")),
            Some(b'Q') => {
                self.at += 2;
                let end = self.rest().find(r"\E").map(|length| self.at + length);
                let stop = end.unwrap_or(self.pattern.len());
                while self.at < stop {
                    let Some(char) = self.next_char() else { break };
                    self.literal(char)?;
                }
                self.at = end.map_or(stop, |end| end + 2);
                return Ok(());
            }
            _ => {}
        }
        if let Some(class) = self.unicode_class()? {
            return self.push_class(class);
        }
        if let Some(class) = self.perl_class() {
            return self.push_class(class);
        }
        let code = self.escape(start)?;
        self.literal_code(code)
    }

    fn literal_code(&mut self, code: u32) -> Parse<()> {
        match char::from_u32(code) {
            Some(char) => self.literal(char),
            None => {
                self.has_surrogates = true;
                self.push(Node::leaf(Hir::fail()))
            }
        }
    }

    fn literal(&mut self, char: char) -> Parse<()> {
        if self.flags.fold {
            let mut set = regex_syntax::hir::ClassUnicode::empty();
            class::add(&mut set, u32::from(char), u32::from(char));
            class::fold(&mut set);
            return self.push_class(set);
        }
        let mut bytes = [0; 4];
        self.push(Node::leaf(Hir::literal(char.encode_utf8(&mut bytes).as_bytes())))
    }

    fn push_class(&mut self, class: regex_syntax::hir::ClassUnicode) -> Parse<()> {
        self.ranges += class.ranges().len();
        if self.ranges > MAX_RANGES {
            return Err(Refusal::Bound("too many ranges of characters"));
        }
        self.push(Node::leaf(Hir::class(Class::Unicode(class))))
    }

    fn push(&mut self, node: Node) -> Parse<()> {
        let node = node.bounded()?;
        if let Some(frame) = self.frames.last_mut() {
            frame.items.push(node);
        }
        Ok(())
    }

    /// Repeats what was read last.
    fn repeat(
        &mut self,
        start: usize,
        (min, max): (u32, Option<u32>),
        counted: bool,
        last: Option<usize>,
    ) -> Parse<()> {
        let mut greedy = !self.flags.non_greedy;
        if self.rest().starts_with('?') {
            self.at += 1;
            greedy = !greedy;
        }
        if let Some(last) = last {
            return Err(self.error("invalid nested repetition operator", self.since(last)));
        }
        let Some(sub) = self.frames.last_mut().and_then(|frame| frame.items.pop()) else {
            return Err(self.error("missing argument to repetition operator", self.since(start)));
        };
        let often = u64::from(max.unwrap_or(min));
        let repeats = match (counted, max) {
            (true, Some(0)) => 1,
            (true, _) => sub.repeats.saturating_mul(often.max(1)),
            (false, _) => sub.repeats,
        };
        if counted && (min >= 2 || max >= Some(2)) && repeats > MAX_REPEATS {
            return Err(self.error("invalid repeat count", self.since(start)));
        }
        let size = match (min, max) {
            (0, None) => sub.size.saturating_add(2),
            (min, None) => sub.size.saturating_mul(u64::from(min)).saturating_add(1),
            (min, Some(max)) => sub
                .size
                .saturating_mul(u64::from(max))
                .saturating_add(u64::from(max - min.min(max))),
        };
        self.push(Node {
            repeats,
            depth: sub.depth + 1,
            size,
            hir: Hir::repetition(Repetition {
                min,
                max,
                greedy,
                sub: Box::new(sub.hir),
            }),
        })
    }

    /// Reads `{2}`, `{2,}` or `{2,3}`; anything else leaves a literal brace.
    fn counts(&mut self) -> Parse<Option<(u32, Option<u32>)>> {
        let start = self.at;
        let inside = self
            .rest()
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'));
        let Some((inside, _)) = inside else {
            return Ok(None);
        };
        let bounds = match inside.split_once(',') {
            None => number(inside).map(|min| (min, Some(min))),
            Some((min, "")) => number(min).map(|min| (min, None)),
            Some((min, max)) => number(min).zip(number(max)).map(|(min, max)| (min, Some(max))),
        };
        let Some((min, max)) = bounds else {
            return Ok(None);
        };
        self.at += inside.len() + 2;
        if min > 1000 || max.is_some_and(|max| max > 1000 || min > max) {
            return Err(self.error("invalid repeat count", self.since(start)));
        }
        Ok(Some((min, max)))
    }
}

/// A decimal number without leading zeros; one that is far too large as a large one.
fn number(digits: &str) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    (is_number && !leading_zero).then(|| digits.parse().unwrap_or(u32::MAX))
}
