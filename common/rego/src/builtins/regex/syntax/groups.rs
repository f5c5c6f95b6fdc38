//! Parentheses, bars, and flags.

use regex_syntax::hir::Hir;

use super::{Frame, Node, Parse, Parser};

impl Parser<'_> {
    pub(super) fn open_group(&mut self, name: Option<String>) -> Parse<()> {
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name);
        self.open(Some(number));
        Ok(())
    }

    fn open(&mut self, capture: Option<u32>) {
        self.frames.push(Frame {
            capture,
            flags: self.flags,
            ..Frame::default()
        });
    }

    pub(super) fn bar(&mut self) -> Parse<()> {
        if let Some(frame) = self.frames.last_mut() {
            let items = std::mem::take(&mut frame.items);
            frame.alternatives.push(Node::of(items, Hir::concat, 0)?);
        }
        Ok(())
    }

    pub(super) fn close(&mut self) -> Parse<()> {
        // The outermost frame is no parenthesis.
        let frame = if self.frames.len() > 1 {
            self.frames.pop()
        } else {
            None
        };
        let Some(frame) = frame else {
            return Err(self.error("unexpected )", self.pattern));
        };
        self.flags = frame.flags;
        let capture = frame.capture;
        let mut node = self.alternation(frame)?;
        if let Some(index) = capture {
            node = node.captured(index);
        } else {
            // Go's tree doesn't nest here, but ours may.
            node.depth += 1;
        }
        self.push(node)
    }

    pub(super) fn alternation(&self, frame: Frame) -> Parse<Node> {
        let last = Node::of(frame.items, Hir::concat, 0)?;
        let mut alternatives = frame.alternatives;
        if alternatives.is_empty() {
            return Ok(last);
        }
        alternatives.push(last);
        let joints = alternatives.len() as u64 - 1;
        Node::of(alternatives, Hir::alternation, joints)
    }

    /// What starts with `(?`: a named group, one that isn't counted, or flags for what follows.
    pub(super) fn flags_or_group(&mut self) -> Parse<()> {
        let start = self.at;
        let text = self.rest();
        let prefix = ["(?P<", "(?<"]
            .into_iter()
            .find(|prefix| text.starts_with(prefix));
        // Go looks for a name only where something follows the `<`.
        if let Some(prefix) = prefix.filter(|prefix| text.len() > prefix.len()) {
            let Some(end) = text.find('>') else {
                return Err(self.error("invalid named capture", text));
            };
            let name = text.get(prefix.len()..end).unwrap_or_default();
            self.at += end + 1;
            let is_word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
            if name.is_empty() || !name.bytes().all(is_word) {
                return Err(self.error("invalid named capture", self.since(start)));
            }
            return self.open_group(Some(name.to_owned()));
        }
        self.at += 2;
        let mut flags = self.flags;
        let (mut negated, mut seen) = (false, false);
        while let Some(char) = self.next_char() {
            match char {
                'i' => flags.fold = !negated,
                'm' => flags.multi_line = !negated,
                's' => flags.dot_nl = !negated,
                'U' => flags.non_greedy = !negated,
                '-' if !negated => {
                    (negated, seen) = (true, false);
                    continue;
                }
                ':' | ')' if !negated || seen => {
                    if char == ':' {
                        self.open(None);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            seen = true;
        }
        Err(self.error("invalid or unsupported Perl syntax", self.since(start)))
    }
}
