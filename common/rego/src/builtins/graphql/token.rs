//! The kinds of tokens.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Invalid,
    Eof,
    Bang,
    Dollar,
    Amp,
    ParenL,
    ParenR,
    Spread,
    Colon,
    Equals,
    At,
    BracketL,
    BracketR,
    BraceL,
    BraceR,
    Pipe,
    Name,
    Int,
    Float,
    String,
    BlockString,
    Comment,
}

impl Token {
    /// As messages show it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Invalid => "<Invalid>",
            Self::Eof => "<EOF>",
            Self::Bang => "!",
            Self::Dollar => "$",
            Self::Amp => "&",
            Self::ParenL => "(",
            Self::ParenR => ")",
            Self::Spread => "...",
            Self::Colon => ":",
            Self::Equals => "=",
            Self::At => "@",
            Self::BracketL => "[",
            Self::BracketR => "]",
            Self::BraceL => "{",
            Self::BraceR => "}",
            Self::Pipe => "|",
            Self::Name => "Name",
            Self::Int => "Int",
            Self::Float => "Float",
            Self::String => "String",
            Self::BlockString => "BlockString",
            Self::Comment => "Comment",
        }
    }

    /// A token of one character.
    pub(super) fn of_mark(mark: u8) -> Option<Self> {
        Some(match mark {
            b'!' => Self::Bang,
            b'$' => Self::Dollar,
            b'&' => Self::Amp,
            b'(' => Self::ParenL,
            b')' => Self::ParenR,
            b':' => Self::Colon,
            b'=' => Self::Equals,
            b'@' => Self::At,
            b'[' => Self::BracketL,
            b']' => Self::BracketR,
            b'{' => Self::BraceL,
            b'}' => Self::BraceR,
            b'|' => Self::Pipe,
            _ => return None,
        })
    }
}
