//! PEM (RFC 7468) as Go's `encoding/pem` finds it in text: blocks with any text around them, headers passed over.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What stands between the lines of a block.
pub(super) struct Block<'a> {
    /// Of the BEGIN line: `CERTIFICATE`, say.
    pub(super) label: &'a [u8],
    pub(super) bytes: Vec<u8>,
}

const START: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

/// As Go: leftover bits may be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The first block of `data` and what follows it.
pub(super) fn decode(data: &[u8]) -> Option<(Block<'_>, &[u8])> {
    let mut rest = data;
    let mut bare_left = None;
    loop {
        // The last BEGIN before the first END: others have no END of their own.
        let end = find(rest, END)?;
        let after_end = rest.get(end.checked_add(END.len())?..)?;
        let begin = rfind(rest.get(..end)?, START);
        let begins_line = |begin: &usize| *begin == 0 || rest.get(*begin - 1) == Some(&b'\n');
        if let Some(begin) = begin.filter(begins_line)
            && let Tried::Block(found) = block(rest.get(begin.checked_add(START.len())?..)?, &mut bare_left)?
        {
            return Some(found);
        }
        rest = after_end;
    }
}

enum Tried<'a> {
    Block((Block<'a>, &'a [u8])),
    /// Something is amiss in it; there may be another.
    Damaged,
}

/// Reads a block from behind its BEGIN on, in which there is an END. `None` ends the search, as it does in Go.
///
/// What looks like headers is looked for beyond the END, too. `bare_left` is where such a search met a line that is none,
/// counted from the end, so that the next one needn't go as far again.
fn block<'a>(text: &'a [u8], bare_left: &mut Option<usize>) -> Option<Tried<'a>> {
    let (type_line, mut rest) = line(text);
    let Some(label) = type_line.strip_suffix(DASHES) else {
        return Some(Tried::Damaged);
    };
    // Where the END is, counted from the end of `text`, so that it needn't move with `rest`.
    let end_left = text.len().checked_sub(find(text, END)?)?;
    let mut has_headers = false;
    loop {
        if rest.is_empty() {
            return None;
        }
        if rest.len() < end_left && bare_left.is_some_and(|left| left <= rest.len()) {
            return Some(Tried::Damaged);
        }
        let (header, next) = line(rest);
        if !header.contains(&b':') {
            *bare_left = Some(rest.len());
            break;
        }
        has_headers = true;
        rest = next;
    }
    // The newline that the END begins with may be the one that ended the line before: then there is no body.
    let body_len = rest.len().checked_sub(end_left);
    if body_len.is_none() && has_headers {
        return Some(Tried::Damaged);
    }
    let trailer_at = text.len().checked_sub(end_left)?.checked_add(END.len())?;
    let trailer = text.get(trailer_at..)?;
    let Some(end_of_line) = trailer
        .strip_prefix(label)
        .and_then(|rest| rest.strip_prefix(DASHES))
    else {
        return Some(Tried::Damaged);
    };
    let (blank, after) = line(end_of_line);
    if !blank.is_empty() {
        return Some(Tried::Damaged);
    }
    let body = rest.get(..body_len.unwrap_or(0))?;
    let base64: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .collect();
    match BASE64.decode(base64) {
        Ok(bytes) => Some(Tried::Block((Block { label, bytes }, after))),
        Err(_) => Some(Tried::Damaged),
    }
}

/// The first line without its end and the spaces before it, and what follows.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let (mut line, rest) = match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => {
            let (line, rest) = text.split_at(at);
            (
                line.strip_suffix(b"\r").unwrap_or(line),
                rest.get(1..).unwrap_or_default(),
            )
        }
        None => (text, &[][..]),
    };
    while let [before @ .., b' ' | b'\t'] = line {
        line = before;
    }
    (line, rest)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn rfind(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).rposition(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn labels(text: &str) -> Vec<(String, usize)> {
        let mut rest = text.as_bytes();
        let mut found = Vec::new();
        while let Some((block, after)) = decode(rest) {
            found.push((
                String::from_utf8_lossy(block.label).into_owned(),
                block.bytes.len(),
            ));
            rest = after;
        }
        found
    }

    #[test]
    fn blocks_are_found_as_go_finds_them() {
        let check = |text: &str, wanted: &[(&str, usize)]| {
            let found = labels(text);
            let found: Vec<_> = found.iter().map(|(label, len)| (label.as_str(), *len)).collect();
            assert_eq!(found, wanted, "{text}");
        };
        check("-----BEGIN A-----\nAAAA\n-----END A-----", &[("A", 3)]);
        check(
            "text\n-----BEGIN A-----  \r\nAA\r\nAA\r\n-----END A----- \nmore",
            &[("A", 3)],
        );
        check(
            "-----BEGIN A-----\nK: v\nL: w\n\nAAAA\n-----END A-----\n",
            &[("A", 3)],
        );
        check("-----BEGIN A-----\n-----END A-----", &[("A", 0)]);
        check(
            "-----BEGIN A-----\n-----BEGIN B-----\nAAAA\n-----END B-----\n",
            &[("B", 3)],
        );
        check(
            "-----BEGIN A-----\nAAAA\n-----END A-----\n-----BEGIN B-----\nAAAAAAAA\n-----END B-----\n",
            &[("A", 3), ("B", 6)],
        );
        // Damaged ones are passed over.
        check(
            "-----BEGIN A-----\nA!AA\n-----END A-----\n-----BEGIN B-----\nAAAA\n-----END B-----\n",
            &[("B", 3)],
        );
        check("-----BEGIN A-----\nAAAA\n-----END B-----\n", &[]);
        check("x-----BEGIN A-----\nAAAA\n-----END A-----\n", &[]);
        check("-----BEGIN A-----\nAAAA\n-----END A-----x\n", &[]);
        check("-----BEGIN A----\nAAAA\n-----END A-----\n", &[]);
        check("-----BEGIN A-----\nAAAA", &[]);
        check("", &[]);
    }
}
