//! What follows a backslash.

use regex_syntax::hir::ClassUnicode;

use super::{Parse, Parser, class};

impl Parser<'_> {
    /// Reads an escaped character, which starts with the backslash at `start`; may be a surrogate.
    pub(super) fn escape(&mut self, start: usize) -> Parse<u32> {
        self.at = start + 1;
        let Some(char) = self.next_char() else {
            return Err(self.error("trailing backslash at end of expression", ""));
        };
        let next = self.pattern.as_bytes().get(self.at);
        match char {
            '0' => return Ok(self.octal(0)),
            // A digit alone would refer back to a group.
            '1'..='7' if next.is_some_and(|digit| (b'0'..=b'7').contains(digit)) => {
                return Ok(self.octal(u32::from(char) - u32::from('0')));
            }
            'x' => {
                if let Some(code) = self.hexadecimal()? {
                    return Ok(code);
                }
            }
            'a' => return Ok(7),
            'f' => return Ok(12),
            'n' => return Ok(10),
            'r' => return Ok(13),
            't' => return Ok(9),
            'v' => return Ok(11),
            _ if char.is_ascii() && !char.is_ascii_alphanumeric() => return Ok(u32::from(char)),
            _ => {}
        }
        Err(self.error("invalid escape sequence", self.since(start)))
    }

    /// Up to three digits, of which one is read.
    fn octal(&mut self, first: u32) -> u32 {
        let mut code = first;
        for _ in 1..3 {
            match self.pattern.as_bytes().get(self.at) {
                Some(digit @ b'0'..=b'7') => code = code * 8 + u32::from(digit - b'0'),
                _ => break,
            }
            self.at += 1;
        }
        code
    }

    /// Two digits, or any number of them in braces. `None` leaves the position where the mistake is.
    fn hexadecimal(&mut self) -> Parse<Option<u32>> {
        let digit = |char: char| char.to_digit(16);
        match self.next_char() {
            None => Ok(None),
            Some('{') => {
                let (mut code, mut digits) = (0_u32, 0);
                loop {
                    match self.next_char() {
                        Some('}') => return Ok((digits > 0).then_some(code)),
                        Some(char) => match digit(char).map(|digit| code * 16 + digit) {
                            Some(next) if next <= u32::from(char::MAX) => code = next,
                            _ => return Ok(None),
                        },
                        None => return Ok(None),
                    }
                    digits += 1;
                }
            }
            Some(first) => {
                let second = self.next_char().and_then(digit);
                Ok(digit(first)
                    .zip(second)
                    .map(|(first, second)| first * 16 + second))
            }
        }
    }

    /// `\d` and its like.
    pub(super) fn perl_class(&mut self) -> Option<ClassUnicode> {
        let letter = *self.rest().strip_prefix('\\')?.as_bytes().first()?;
        let (set, negated) = class::perl(letter)?;
        self.at += 2;
        Some(self.grouped(set, true, negated))
    }

    /// `\pN`, `\p{Greek}`, `\P{…}`, `\p{^…}`.
    pub(super) fn unicode_class(&mut self) -> Parse<Option<ClassUnicode>> {
        let text = self.rest();
        let mut negated = match text.as_bytes().get(..2) {
            Some(br"\p") => false,
            Some(br"\P") => true,
            _ => return Ok(None),
        };
        let start = self.at;
        self.at += 2;
        let mut name = match self.next_char() {
            // Go lets the letter be nothing, and a lone `\p` a mistake of its own.
            None => return Err(self.error("invalid character class range", self.since(start))),
            Some('{') => {
                let Some(end) = text.find('}') else {
                    return Err(self.error("invalid character class range", text));
                };
                self.at = start + end + 1;
                text.get(3..end).unwrap_or_default()
            }
            Some(_) => self.pattern.get(start + 2..self.at).unwrap_or_default(),
        };
        if let Some(rest) = name.strip_prefix('^') {
            (negated, name) = (!negated, rest);
        }
        let Some(set) = class::unicode(name) else {
            return Err(self.error("invalid character class range", self.since(start)));
        };
        Ok(Some(self.grouped(set, class::folds(name), negated)))
    }

    /// A named class as the flags have it.
    pub(super) fn grouped(&self, mut set: ClassUnicode, folds: bool, negated: bool) -> ClassUnicode {
        if self.flags.fold && folds {
            class::fold(&mut set);
        }
        if negated { class::negated(&set) } else { set }
    }
}
