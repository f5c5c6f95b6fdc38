//! One argument as Go's fmt prints it under a verb. OPA hands fmt four types only: `int64`, `*big.Int`, `float64` and
//! `string`. What would show a memory address or a hexadecimal float stops the evaluation.

use num_bigint::{BigInt, Sign};
use num_traits::Zero;

use super::go_float;
use super::go_text::{is_print, push_escaped};
use super::{BuiltinError, Context, display};
use crate::number::arithmetic;
use crate::value::Value;

/// What OPA makes of a value before it is formatted.
pub(super) enum Argument {
    Int(i64),
    BigInt(BigInt),
    Float(f64),
    Text(String),
}

impl Argument {
    pub(super) fn new(context: &mut Context<'_>, value: &Value) -> Result<Self, BuiltinError> {
        let Value::Number(number) = value else {
            let text = display::plain(context, value)?;
            context.build(text.len().saturating_add(48))?;
            return Ok(Self::Text(text));
        };
        let text = number.source();
        if text.contains(['.', 'e', 'E']) {
            let float = text.parse::<f64>().ok().filter(|float| float.is_finite());
            return Ok(float.map_or_else(|| Self::Text(text.into_owned()), Self::Float));
        }
        Ok(match (number.as_i64(), arithmetic::to_int(number)?) {
            (Some(int), _) => Self::Int(int),
            (None, Some(int)) => Self::BigInt(int),
            (None, None) => Self::Text(text.into_owned()),
        })
    }

    pub(super) fn go_type(&self) -> &'static str {
        match self {
            Self::Int(_) => "int64",
            Self::BigInt(_) => "*big.Int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
        }
    }

    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }
}

/// What stands between the percent sign and the verb.
#[derive(Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    sharp: bool,
    zero: bool,
    plus: bool,
    minus: bool,
    space: bool,
    /// `%#v`
    sharp_value: bool,
    /// `%+v`
    plus_value: bool,
}

impl Flags {
    pub(super) fn set(&mut self, flag: u8) {
        match flag {
            b'#' => self.sharp = true,
            b'0' => self.zero = true,
            b'+' => self.plus = true,
            b'-' => self.minus = true,
            _ => self.space = true,
        }
    }

    /// A width from an argument: a negative one is for the left.
    pub(super) fn set_width(&mut self, width: i64) {
        self.width = usize::try_from(width.unsigned_abs()).ok();
        if width < 0 {
            self.minus = true;
            self.zero = false;
        }
    }

    /// `%v` keeps sharp and plus for structures.
    pub(super) fn for_value(&mut self) {
        self.sharp_value = std::mem::take(&mut self.sharp);
        self.plus_value = std::mem::take(&mut self.plus);
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }
}

/// Text being made.
#[derive(Default)]
pub(super) struct Formatter {
    out: String,
    pub(super) flags: Flags,
}

impl Formatter {
    pub(super) fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn into_text(self) -> String {
        self.out
    }

    /// Prints the argument under the verb.
    pub(super) fn argument(&mut self, argument: &Argument, verb: char) -> Result<(), BuiltinError> {
        match (argument, verb) {
            (_, 'T') => self.string(argument.go_type()),
            (Argument::Text(text), 's') => self.string(text),
            (Argument::Text(text), 'v') if !self.flags.sharp_value => self.string(text),
            (Argument::Text(text), 'q' | 'v') => self.quoted(text),
            (Argument::Text(text), 'x' | 'X') => self.hex(text, verb),
            (Argument::Int(int), 'c') => self.pad(&to_char(*int).to_string()),
            (Argument::Int(int), 'q') => self.quoted_char(to_char(*int)),
            (Argument::Int(int), 'U') => self.code_point(*int),
            (Argument::Int(int), _) if radix(verb).is_some() => self.int(&BigInt::from(*int), verb),
            (Argument::BigInt(int), _) if verb == 's' || radix(verb).is_some() => self.big_int(int, verb),
            (Argument::BigInt(_), 'p' | 'w') | (Argument::Float(_), 'b' | 'x' | 'X') => {
                let kind = argument.go_type();
                return Err(BuiltinError::Halt(format!(
                    "sprintf: %{verb} of a {kind} is not supported"
                )));
            }
            (Argument::BigInt(int), _) => self.text(&format!("%!{verb}(big.Int={int})")),
            (Argument::Float(float), 'v' | 'g' | 'G' | 'e' | 'E' | 'f' | 'F') => self.float(*float, verb),
            (Argument::Text(_) | Argument::Int(_) | Argument::Float(_), _) => {
                self.text(&format!("%!{verb}({}=", argument.go_type()));
                self.argument(argument, 'v')?;
                self.text(")");
            }
        }
        Ok(())
    }

    fn string(&mut self, text: &str) {
        let text = self.truncated(text);
        self.pad(&text);
    }

    /// The first characters, as many as the precision says.
    fn truncated(&self, text: &str) -> String {
        text.chars()
            .take(self.flags.precision.unwrap_or(usize::MAX))
            .collect()
    }

    fn quoted(&mut self, text: &str) {
        let text = self.truncated(text);
        let is_raw = |c: char| (c >= ' ' || c == '\t') && !matches!(c, '`' | '\x7f' | '\u{feff}');
        // `%#v` quotes as well, but its sharp sign is spoken for.
        if self.flags.sharp && text.chars().all(is_raw) {
            return self.pad(&format!("`{text}`"));
        }
        let mut quoted = String::from('"');
        for c in text.chars() {
            push_escaped(c, '"', self.flags.plus, &mut quoted);
        }
        quoted.push('"');
        self.pad(&quoted);
    }

    fn quoted_char(&mut self, c: char) {
        let mut quoted = String::from('\'');
        push_escaped(c, '\'', self.flags.plus, &mut quoted);
        quoted.push('\'');
        self.pad(&quoted);
    }

    /// The bytes of a string in hexadecimal.
    fn hex(&mut self, text: &str, verb: char) {
        let bytes = text.as_bytes();
        let bytes = bytes
            .get(..self.flags.precision.unwrap_or(usize::MAX))
            .unwrap_or(bytes);
        let prefix = if verb == 'x' { "0x" } else { "0X" };
        let mut shown = String::new();
        for (at, byte) in bytes.iter().enumerate() {
            if self.flags.space && at > 0 {
                shown.push(' ');
            }
            if self.flags.sharp && (at == 0 || self.flags.space) {
                shown.push_str(prefix);
            }
            shown.push_str(&if verb == 'x' {
                format!("{byte:02x}")
            } else {
                format!("{byte:02X}")
            });
        }
        self.pad(&shown);
    }

    /// As `U+0041`, with the character behind it for `%#U`.
    fn code_point(&mut self, int: i64) {
        let precision = self.flags.precision.unwrap_or(4).max(4);
        let mut shown = format!("{:X}", int.cast_unsigned());
        shown = format!("U+{}{shown}", "0".repeat(precision.saturating_sub(shown.len())));
        let character = u32::try_from(int)
            .ok()
            .and_then(char::from_u32)
            .filter(|&c| self.flags.sharp && is_print(c));
        if let Some(character) = character {
            shown.push_str(&format!(" '{character}'"));
        }
        self.pad_with_spaces(&shown);
    }

    /// As fmt prints an `int64`.
    fn int(&mut self, int: &BigInt, verb: char) {
        let negative = int.sign() == Sign::Minus;
        let sign = self.flags.sign(negative);
        let precision = match self.flags.precision {
            Some(0) if int.is_zero() => {
                return self.pad_with_spaces("");
            }
            Some(precision) => precision,
            None if self.flags.zero && !self.flags.minus => {
                self.flags.width.unwrap_or(0).saturating_sub(sign.len())
            }
            None => 0,
        };
        let digits = digits(int, verb);
        let digits = format!("{}{digits}", "0".repeat(precision.saturating_sub(digits.len())));
        let prefix = match (verb, self.flags.sharp) {
            ('b', true) => "0b",
            ('o', true) if !digits.starts_with('0') => "0",
            ('O', true) if !digits.starts_with('0') => "0o0",
            ('O', _) => "0o",
            ('x', true) => "0x",
            ('X', true) => "0X",
            _ => "",
        };
        self.pad_with_spaces(&format!("{sign}{prefix}{digits}"));
    }

    /// As a `*big.Int` formats itself, which differs in where zeros go.
    fn big_int(&mut self, int: &BigInt, verb: char) {
        // Unlike fmt's own, it sees the plus of `%+v`.
        let sign = match self.flags.sign(int.sign() == Sign::Minus) {
            "" | " " if self.flags.plus_value => "+",
            sign => sign,
        };
        let prefix = match (verb, self.flags.sharp) {
            ('b', true) => "0b",
            ('o', true) => "0",
            ('x', true) => "0x",
            ('X', true) => "0X",
            ('O', _) => "0o",
            _ => "",
        };
        let digits = digits(int, verb);
        let mut zeros = self.flags.precision.unwrap_or(0).saturating_sub(digits.len());
        let length = sign.len() + prefix.len() + zeros + digits.len();
        if self.flags.zero && !self.flags.minus && self.flags.precision.is_none() {
            zeros = self.flags.width.unwrap_or(0).saturating_sub(length);
        }
        self.pad_with_spaces(&format!("{sign}{prefix}{}{digits}", "0".repeat(zeros)));
    }

    fn float(&mut self, float: f64, verb: char) {
        let mut shown = go_float::format(float.abs(), verb, self.flags.precision);
        if self.flags.sharp {
            shown = go_float::with_point(&shown, verb, self.flags.precision);
        }
        let sign = self.flags.sign(float.is_sign_negative());
        // Zeros go between sign and number.
        let zeros = match self.flags.width {
            Some(width) if self.flags.zero && !self.flags.minus && !sign.is_empty() => {
                width.saturating_sub(sign.len() + shown.len())
            }
            _ => 0,
        };
        self.pad(&format!("{sign}{}{shown}", "0".repeat(zeros)));
    }

    /// Fills up to the width: on the right for minus, else on the left, with zeros if so flagged.
    fn pad(&mut self, text: &str) {
        let fill = self.flags.width.unwrap_or(0).saturating_sub(text.chars().count());
        if self.flags.minus {
            self.out.push_str(text);
            self.out.push_str(&" ".repeat(fill));
        } else {
            self.out
                .push_str(&if self.flags.zero { "0" } else { " " }.repeat(fill));
            self.out.push_str(text);
        }
    }

    fn pad_with_spaces(&mut self, text: &str) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }
}

fn radix(verb: char) -> Option<u32> {
    match verb {
        'v' | 'd' => Some(10),
        'b' => Some(2),
        'o' | 'O' => Some(8),
        'x' | 'X' => Some(16),
        _ => None,
    }
}

/// The digits without sign.
fn digits(int: &BigInt, verb: char) -> String {
    let digits = int.magnitude().to_str_radix(radix(verb).unwrap_or(10));
    if verb == 'X' {
        digits.to_uppercase()
    } else {
        digits
    }
}

fn to_char(int: i64) -> char {
    u32::try_from(int)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}
