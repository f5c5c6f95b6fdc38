//! The patterns of glob-intersection: characters, `.`, sets, each perhaps followed by `+` or `*`.

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) struct Token {
    kind: Kind,
    pub(super) flag: Flag,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    None,
    Plus,
    Star,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Char(char),
    Any,
    /// Ranges, sorted and apart.
    Set(Vec<(char, char)>),
}

impl Token {
    /// Whether the two have a character in common. Any character is thought to be in every set, even an empty one.
    pub(super) fn matches(&self, other: &Token) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Any, _) | (_, Kind::Any) => true,
            (Kind::Char(a), Kind::Char(b)) => a == b,
            (Kind::Char(char), Kind::Set(set)) | (Kind::Set(set), Kind::Char(char)) => {
                set.iter().any(|(from, to)| (from..=to).contains(&char))
            }
            (Kind::Set(a), Kind::Set(b)) => overlap(a, b),
        }
    }
}

fn overlap(a: &[(char, char)], b: &[(char, char)]) -> bool {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(&&(a_from, a_to)), Some(&&(b_from, b_to))) = (a.peek(), b.peek()) {
        if a_from <= b_to && b_from <= a_to {
            return true;
        }
        if a_to < b_to {
            a.next();
        } else {
            b.next();
        }
    }
    false
}

/// Reads a pattern. The error is the Go module's text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut reader = Reader {
        text,
        input: text.chars().collect(),
        at: 0,
    };
    let mut tokens: Vec<Token> = Vec::new();
    while let Some(token) = reader.token()? {
        // The same thing repeated twice is that thing repeated.
        if let Some(last) = tokens.last_mut()
            && last.flag != Flag::None
            && token.flag != Flag::None
            && last.kind == token.kind
        {
            if token.flag == Flag::Plus {
                last.flag = Flag::Plus;
            }
            continue;
        }
        tokens.push(token);
    }
    Ok(tokens)
}

struct Reader<'t> {
    text: &'t str,
    input: Vec<char>,
    at: usize,
}

impl Reader<'_> {
    fn token(&mut self) -> Result<Option<Token>, String> {
        let Some((char, escaped)) = self.next()? else {
            return Ok(None);
        };
        let kind = match char {
            _ if escaped => Kind::Char(char),
            '.' => Kind::Any,
            '[' => self.set()?,
            ']' => return Err(self.error(self.at, "set-close ']' with no preceding '['")),
            '+' | '*' => {
                let problem = format!("flag '{char}' must be preceded by a non-flag");
                return Err(self.error(self.at, &problem));
            }
            _ => Kind::Char(char),
        };
        let before = self.at;
        let flag = match self.next()? {
            Some(('+', false)) => Flag::Plus,
            Some(('*', false)) => Flag::Star,
            _ => {
                self.at = before;
                Flag::None
            }
        };
        Ok(Some(Token { kind, flag }))
    }

    fn set(&mut self) -> Result<Kind, String> {
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut previous = None;
        loop {
            let Some((char, escaped)) = self.next()? else {
                return Err(self.error(self.at, "found [ without matching ]"));
            };
            match (char, escaped) {
                ('-', false) => {
                    let Some(from) = previous.take() else {
                        return Err(self.error(
                            self.at,
                            "range character '-' must be preceded by a Unicode character",
                        ));
                    };
                    if self.at + 1 >= self.input.len() {
                        return Err(self.error(
                            self.at,
                            "range character '-' must be followed by a Unicode character",
                        ));
                    }
                    let Some((to, escaped)) = self.next()? else {
                        continue;
                    };
                    if !escaped && matches!(to, ']' | '-') {
                        return Err(self.error(
                            self.at,
                            "range character '-' cannot be followed by a special symbol",
                        ));
                    }
                    if to < from {
                        let problem =
                            format!("range is out of order: '{to}' comes before '{from}' in Unicode");
                        return Err(self.error(self.at, &problem));
                    }
                    ranges.push((from, to));
                }
                (']', false) => break,
                _ => {
                    ranges.push((char, char));
                    previous = Some(char);
                }
            }
        }
        Ok(Kind::Set(merged(ranges)))
    }

    /// The next character, and whether it was escaped.
    fn next(&mut self) -> Result<Option<(char, bool)>, String> {
        let Some(&char) = self.input.get(self.at) else {
            return Ok(None);
        };
        if char != '\\' {
            self.at += 1;
            return Ok(Some((char, false)));
        }
        match self.input.get(self.at + 1) {
            Some(&escaped) => {
                self.at += 2;
                Ok(Some((escaped, true)))
            }
            None => Err(self.error(self.at, "input ends with a \\ (escape) character")),
        }
    }

    fn error(&self, at: usize, problem: &str) -> String {
        let text = self.text;
        format!("input:{text}, pos:{at}, {problem}: the input provided is invalid")
    }
}

fn merged(mut ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    ranges.sort_unstable();
    let mut merged: Vec<(char, char)> = Vec::new();
    for (from, to) in ranges {
        match merged.last_mut() {
            // Also where one follows right on the other, so that equal sets look equal.
            Some((_, last)) if u32::from(from) <= u32::from(*last) + 1 => *last = (*last).max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}
