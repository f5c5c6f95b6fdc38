//! Go's layouts: the reference time, Mon Jan 2 15:04:05 MST 2006, written as one wants times written.

/// What a part of a layout stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    /// PM, or pm.
    Noon {
        upper: bool,
    },
    /// MST
    Zone,
    Offset(Offset),
    /// Digits after a point or a comma: exactly so many, or as many as there are.
    Fraction {
        digits: usize,
        trimmed: bool,
        separator: u8,
    },
}

/// A form of the distance from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// Whether UTC is written as Z.
    pub(super) z: bool,
    pub(super) colons: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

/// The text before the next part, the part, its own text, and what follows. Without a part the text is all that is left.
pub(super) fn next_chunk(layout: &str) -> (&str, Option<(Chunk, &str)>, &str) {
    for (at, char) in layout.char_indices() {
        let rest = layout.get(at..).unwrap_or_default();
        if !char.is_ascii() {
            continue;
        }
        let Some((skipped, chunk, length)) = chunk(rest) else {
            continue;
        };
        let start = at + skipped;
        let text = layout.get(start..start + length).unwrap_or_default();
        return (
            layout.get(..start).unwrap_or_default(),
            Some((chunk, text)),
            layout.get(start + length..).unwrap_or_default(),
        );
    }
    (layout, None, "")
}

/// The part that starts here: how many bytes before it are text, and how many it has.
fn chunk(text: &str) -> Option<(usize, Chunk, usize)> {
    let found = |chunk, length| Some((0, chunk, length));
    let bytes = text.as_bytes();
    let lower_at = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
    match bytes.first()? {
        b'J' if text.starts_with("January") => found(Chunk::LongMonth, 7),
        b'J' if text.starts_with("Jan") && !lower_at(3) => found(Chunk::Month, 3),
        b'M' if text.starts_with("Monday") => found(Chunk::LongWeekDay, 6),
        b'M' if text.starts_with("Mon") && !lower_at(3) => found(Chunk::WeekDay, 3),
        b'M' if text.starts_with("MST") => found(Chunk::Zone, 3),
        b'0' => match bytes.get(1)? {
            b'1' => found(Chunk::ZeroMonth, 2),
            b'2' => found(Chunk::ZeroDay, 2),
            b'3' => found(Chunk::ZeroHour12, 2),
            b'4' => found(Chunk::ZeroMinute, 2),
            b'5' => found(Chunk::ZeroSecond, 2),
            b'6' => found(Chunk::Year, 2),
            b'0' if text.starts_with("002") => found(Chunk::ZeroYearDay, 3),
            _ => None,
        },
        b'1' if text.starts_with("15") => found(Chunk::Hour, 2),
        b'1' => found(Chunk::NumMonth, 1),
        b'2' if text.starts_with("2006") => found(Chunk::LongYear, 4),
        b'2' => found(Chunk::Day, 1),
        b'_' if text.starts_with("_2006") => Some((1, Chunk::LongYear, 4)),
        b'_' if text.starts_with("_2") => found(Chunk::UnderDay, 2),
        b'_' if text.starts_with("__2") => found(Chunk::UnderYearDay, 3),
        b'3' => found(Chunk::Hour12, 1),
        b'4' => found(Chunk::Minute, 1),
        b'5' => found(Chunk::Second, 1),
        b'P' if text.starts_with("PM") => found(Chunk::Noon { upper: true }, 2),
        b'p' if text.starts_with("pm") => found(Chunk::Noon { upper: false }, 2),
        sign @ (b'-' | b'Z') => offset(text.get(1..)?, *sign == b'Z'),
        b'.' | b',' => fraction(bytes),
        _ => None,
    }
}

fn offset(digits: &str, z: bool) -> Option<(usize, Chunk, usize)> {
    const FORMS: [(&str, bool, bool, bool); 5] = [
        ("070000", false, true, true),
        ("07:00:00", true, true, true),
        ("0700", false, true, false),
        ("07:00", true, true, false),
        ("07", false, false, false),
    ];
    let (text, colons, minutes, seconds) = FORMS.into_iter().find(|(form, ..)| digits.starts_with(form))?;
    let offset = Offset {
        z,
        colons,
        minutes,
        seconds,
    };
    Some((0, Chunk::Offset(offset), text.len() + 1))
}

fn fraction(bytes: &[u8]) -> Option<(usize, Chunk, usize)> {
    let (separator, digits) = bytes.split_first()?;
    let digit = digits.first().filter(|digit| matches!(digit, b'0' | b'9'))?;
    let count = digits.iter().take_while(|other| *other == digit).count();
    // Only a fraction is all digits.
    if digits.get(count).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let chunk = Chunk::Fraction {
        digits: count & 0xfff,
        trimmed: *digit == b'9',
        separator: *separator,
    };
    Some((0, chunk, count + 1))
}
