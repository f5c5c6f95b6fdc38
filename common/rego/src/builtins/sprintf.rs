//! `sprintf`: reads a format as Go's fmt does (flags, width, precision, argument indices, and what is said about wrong
//! ones). How one argument looks is `go_fmt`'s.

use super::go_fmt::{Argument, Flags, Formatter};
use super::operands::{array, string};
use super::{Answer, BuiltinError, Context, answer};
use crate::value::{Array, Value};

/// The largest number that Go takes for a width, a precision or an index.
const MAX_NUMBER: i64 = 1_000_000;

pub(super) fn sprintf(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (format, values) = (string(operands, 1)?, array(operands, 2)?);
    let arguments = arguments(context, values)?;
    let scan = Scan {
        format,
        at: 0,
        arguments: &arguments,
        next: 0,
        reordered: false,
        good_index: true,
    };
    answer(scan.run(context)?)
}

fn arguments(context: &mut Context<'_>, values: &Array) -> Result<Vec<Argument>, BuiltinError> {
    values
        .iter()
        .map(|value| {
            if let Value::Number(number) = value {
                context.spend_on(number)?;
            }
            Argument::new(context, value)
        })
        .collect()
}

/// A format read up to `at`.
struct Scan<'a> {
    format: &'a str,
    at: usize,
    arguments: &'a [Argument],
    /// The argument that comes next, from 0.
    next: usize,
    /// Whether any verb named its argument.
    reordered: bool,
    /// Whether all indices of the present verb were good.
    good_index: bool,
}

impl Scan<'_> {
    fn run(mut self, context: &mut Context<'_>) -> Result<String, BuiltinError> {
        let mut out = Formatter::default();
        while let Some(rest) = self.format.get(self.at..).filter(|rest| !rest.is_empty()) {
            let plain = rest.find('%').unwrap_or(rest.len());
            out.text(rest.get(..plain).unwrap_or_default());
            self.at += plain + 1;
            if plain == rest.len() {
                break;
            }
            let before = out.len();
            if !self.verb(&mut out)? {
                break;
            }
            context.spend(out.len().saturating_sub(before))?;
            context.room(out.len())?;
        }
        let extra = self.arguments.get(self.next..).unwrap_or_default();
        if !self.reordered && !extra.is_empty() {
            out.flags = Flags::default();
            out.text("%!(EXTRA ");
            for (at, argument) in extra.iter().enumerate() {
                if at > 0 {
                    out.text(", ");
                }
                out.text(argument.go_type());
                out.text("=");
                out.argument(argument, 'v')?;
                context.room(out.len())?;
            }
            out.text(")");
        }
        context.spend(out.len())?;
        Ok(out.into_text())
    }

    /// What follows a percent sign; `false` if the format ends without a verb.
    fn verb(&mut self, out: &mut Formatter) -> Result<bool, BuiltinError> {
        self.good_index = true;
        out.flags = Flags::default();
        while let Some(flag) = self.byte().filter(|byte| b"#0+- ".contains(byte)) {
            out.flags.set(flag);
            self.at += 1;
        }
        // Only what isn't a plain verb may have the rest.
        let plain =
            self.byte().is_some_and(|byte| byte.is_ascii_lowercase()) && self.next < self.arguments.len();
        if !plain {
            self.width_and_precision(out);
        }
        let Some(verb) = self.format.get(self.at..).and_then(|rest| rest.chars().next()) else {
            out.text("%!(NOVERB)");
            return Ok(false);
        };
        self.at += verb.len_utf8();
        match self.arguments.get(self.next) {
            _ if verb == '%' => out.text("%"),
            _ if !self.good_index => out.text(&format!("%!{verb}(BADINDEX)")),
            None => out.text(&format!("%!{verb}(MISSING)")),
            Some(argument) => {
                if matches!(verb, 'v' | 'w') {
                    out.flags.for_value();
                }
                out.argument(argument, verb)?;
                self.next += 1;
            }
        }
        Ok(true)
    }

    fn width_and_precision(&mut self, out: &mut Formatter) {
        let mut after_index = self.index();
        if self.byte() == Some(b'*') {
            self.at += 1;
            match self.number_argument() {
                Some(width) => out.flags.set_width(width),
                None => out.text("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            out.flags.width = self.number();
            self.good_index &= !(after_index && out.flags.width.is_some());
        }
        if self.byte() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            self.good_index &= !after_index;
            after_index = self.index();
            if self.byte() == Some(b'*') {
                self.at += 1;
                out.flags.precision = self
                    .number_argument()
                    .and_then(|precision| usize::try_from(precision).ok());
                if out.flags.precision.is_none() {
                    out.text("%!(BADPREC)");
                }
                after_index = false;
            } else {
                out.flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
    }

    fn byte(&self) -> Option<u8> {
        self.format.as_bytes().get(self.at).copied()
    }

    /// Reads a number; one that is too large takes all that is left of the format with it.
    fn number(&mut self) -> Option<usize> {
        self.number_up_to(self.format.len())
    }

    fn number_up_to(&mut self, end: usize) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.byte().filter(|byte| self.at < end && byte.is_ascii_digit()) {
            if number > Some(MAX_NUMBER) {
                self.at = end;
                return None;
            }
            number = Some(number.unwrap_or(0) * 10 + i64::from(digit - b'0'));
            self.at += 1;
        }
        number.and_then(|number| usize::try_from(number).ok())
    }

    /// A width or precision that is an argument.
    fn number_argument(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        argument
            .as_int()
            .filter(|int| (-MAX_NUMBER..=MAX_NUMBER).contains(int))
    }

    /// Reads `[n]`, if it is next, and makes that argument the next one; says whether it was well formed.
    fn index(&mut self) -> bool {
        if self.byte() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let Some(close) = rest.find(']').filter(|_| rest.len() >= 3) else {
            self.good_index = false;
            self.at += 1;
            return false;
        };
        let end = self.at + close;
        self.at += 1;
        let number = self.number_up_to(end);
        let well_formed = number.is_some() && self.at == end;
        self.at = end + 1;
        let index = number
            .and_then(|number| number.checked_sub(1))
            .filter(|&index| index < self.arguments.len());
        match index {
            Some(index) if well_formed => self.next = index,
            _ => self.good_index = false,
        }
        well_formed
    }
}
