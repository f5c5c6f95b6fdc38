//! W3C Trace Context: the `traceparent` header (<https://www.w3.org/TR/trace-context/#traceparent-header>).
//! It never records spans; it keeps a trace connected across hops. `tracestate` passes by untouched.

use std::fmt;

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// `00-` 32 hex digits `-` 16 hex digits `-` 2 hex digits.
const LENGTH: usize = 55;

/// The flags that version 00 defines: sampled, and (level 2) random trace id. Others are cleared when passed on.
const KNOWN_FLAGS: u8 = 0b11;

/// The trace that a request belongs to, and the hop before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// Reads a header as strictly as §3.2.2 asks: lower-case hex, no all-zero ids, never version `ff`. Of a version
    /// later than ours, which may be longer, the parts that we know are read (§4.3). `None` means: start a new trace.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (known, rest) = text.as_bytes().split_at_checked(LENGTH)?;
        let [v0, v1, b'-', trace_id @ .., b'-', f0, f1] = known else {
            return None;
        };
        let (trace_id, parent_id) = trace_id.split_at_checked(32)?;
        let (separator, parent_id) = parent_id.split_first()?;
        let [version] = bytes_of_hex(&[*v0, *v1])?;
        let ends_here = rest.is_empty() || (version > 0 && rest.first() == Some(&b'-'));
        if *separator != b'-' || version == 0xff || !ends_here {
            return None;
        }
        let trace_id: [u8; 16] = bytes_of_hex(trace_id)?;
        let parent_id: [u8; 8] = bytes_of_hex(parent_id)?;
        let [flags] = bytes_of_hex(&[*f0, *f1])?;
        (trace_id != [0; 16] && parent_id != [0; 8]).then_some(TraceParent {
            trace_id,
            parent_id,
            flags: flags & if version == 0 { KNOWN_FLAGS } else { 1 },
        })
    }

    /// Starts a trace from random bytes: 16 for the trace, 8 for the hop. Not sampled, as the standard says for
    /// whoever starts a trace without recording it.
    #[must_use]
    pub fn generate(entropy: [u8; 24]) -> Self {
        let mut trace_id = [0; 16];
        let mut parent_id = [0; 8];
        let (for_trace, for_hop) = entropy.split_at(16);
        trace_id.copy_from_slice(for_trace);
        parent_id.copy_from_slice(for_hop);
        TraceParent {
            trace_id: not_zero(trace_id),
            parent_id: not_zero(parent_id),
            flags: 0,
        }
    }

    /// The same trace, one hop further: a new parent id from random bytes.
    #[must_use]
    pub fn child(self, span_entropy: [u8; 8]) -> Self {
        TraceParent {
            parent_id: not_zero(span_entropy),
            ..self
        }
    }

    /// The trace's id, 32 lower-case hex digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        hex(&self.trace_id)
    }

    /// The id of the hop that sent this, 16 lower-case hex digits.
    #[must_use]
    pub fn parent_id(&self) -> String {
        hex(&self.parent_id)
    }

    /// Whether the caller may have recorded it.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

impl TraceParent {
    /// The header's value. As `to_string`, which goes the way of all formatting and takes longer.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = [b'-'; LENGTH];
        write_hex(text.get_mut(3..35), &self.trace_id);
        write_hex(text.get_mut(36..52), &self.parent_id);
        let [.., high, low] = digits(u32::from(self.flags));
        let [first, second, .., flags_high, flags_low] = &mut text;
        (*first, *second) = (b'0', b'0');
        (*flags_high, *flags_low) = (high, low);
        String::from_utf8(text.to_vec()).unwrap_or_default()
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// Fills the place with two digits a byte; of bytes in fours.
fn write_hex(place: Option<&mut [u8]>, bytes: &[u8]) {
    let (places, _) = place.unwrap_or_default().as_chunks_mut();
    for (place, word) in places.iter_mut().zip(bytes.as_chunks().0) {
        *place = digits(u32::from_be_bytes(*word));
    }
}

/// A word's eight digits in lower case, worked out side by side, a byte each.
const fn digits(word: u32) -> [u8; 8] {
    let halves = (word as u64 | (word as u64) << 16) & 0x0000_ffff_0000_ffff;
    let bytes = (halves | halves << 8) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (bytes | bytes << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // With six more, those above 9 reach the next bit.
    let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    let above = (b'a' - b'0' - 10) as u64;
    (nibbles + 0x3030_3030_3030_3030 + letters * above).to_be_bytes()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = vec![0; bytes.len() * 2];
    write_hex(Some(&mut text), bytes);
    String::from_utf8(text).unwrap_or_default()
}

/// All-zero ids mean "invalid"; the one chance in 2^64 that entropy is zero must not break a trace.
fn not_zero<const N: usize>(mut id: [u8; N]) -> [u8; N] {
    if id == [0; N]
        && let Some(last) = id.last_mut()
    {
        *last = 1;
    }
    id
}

fn bytes_of_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// Lower case only: the standard has no upper-case digits here.
fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_standards_example_is_read_and_written_back() {
        let parent = TraceParent::parse(EXAMPLE).expect("the example of §3.2.3");
        assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.parent_id(), "00f067aa0ba902b7");
        assert!(parent.is_sampled());
        assert_eq!(parent.to_string(), EXAMPLE);
    }

    #[test]
    fn whatever_the_standard_calls_invalid_is_refused() {
        for (why, text) in [
            ("empty", String::new()),
            ("version ff", EXAMPLE.replacen("00", "ff", 1)),
            ("upper-case digits", EXAMPLE.to_uppercase()),
            ("upper-case version", EXAMPLE.replacen("00", "0A", 1)),
            (
                "all-zero trace id",
                format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            ),
            (
                "all-zero parent id",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01".to_owned(),
            ),
            ("no hex", EXAMPLE.replacen("4b", "4g", 1)),
            ("version 00 with more", format!("{EXAMPLE}-more")),
            ("a space", format!("{EXAMPLE} ")),
            ("too short", EXAMPLE[..54].to_owned()),
            ("other separators", EXAMPLE.replace('-', "_")),
            (
                "a separator in another place",
                EXAMPLE.replacen("36-00f0", "3-600f0", 1),
            ),
            (
                "a later version, grown without a separator",
                format!("cc{}x", &EXAMPLE[2..]),
            ),
            ("characters of several bytes", "ä".repeat(40)),
        ] {
            assert_eq!(TraceParent::parse(&text), None, "{why}: {text:?}");
        }
    }

    #[test]
    fn of_a_later_version_the_known_parts_are_read_and_sent_on_as_ours() {
        for text in [
            format!("cc{}", &EXAMPLE[2..]),
            format!("01{}-what-comes", &EXAMPLE[2..]),
        ] {
            assert_eq!(TraceParent::parse(&text).expect(&text).to_string(), EXAMPLE);
        }
    }

    #[test]
    fn unknown_flags_are_not_passed_on() {
        let all = format!("{}ff", &EXAMPLE[..53]);
        assert!(TraceParent::parse(&all).expect(&all).to_string().ends_with("-03"));
    }

    #[test]
    fn every_byte_is_written_as_its_two_digits() {
        for byte in 0..=u8::MAX {
            let word = u32::from_be_bytes([byte, !byte, 0, byte]);
            let text = digits(word).map(char::from);
            assert_eq!(text.iter().collect::<String>(), format!("{word:08x}"));
        }
    }

    #[test]
    fn a_child_stays_in_its_trace() {
        let parent = TraceParent::parse(EXAMPLE).expect("valid");
        let child = parent.child([7; 8]);
        assert_eq!(
            child.to_string(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0707070707070707-01"
        );
    }

    #[test]
    fn what_is_made_here_is_always_valid() {
        for entropy in [[0; 24], [0xff; 24]] {
            let made = TraceParent::generate(entropy).child([0; 8]);
            assert_eq!(TraceParent::parse(&made.to_string()), Some(made));
        }
    }
}
