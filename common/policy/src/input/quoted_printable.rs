//! Quoted-printable (RFC 2045 §6.7) as Go's `mime/quotedprintable` undoes it, with what it lets pass: `=` that no digits follow,
//! lines that end in LF alone, bytes above ASCII.

use postern_rego::host::go_quote;

/// A line longer than this is more than Go's reader looks at.
const LONGEST_LINE: usize = 4096;

/// What `data` stands for. Where it isn't whole, that is an error once all of it is undone.
///
/// # Errors
/// In Go's words.
pub(super) fn decoded(data: &[u8], is_whole: bool) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    loop {
        let seen = rest.get(..LONGEST_LINE).unwrap_or(rest);
        let end = seen.iter().position(|byte| *byte == b'\n');
        let (line, after) = rest
            .split_at_checked(end.map_or(seen.len(), |end| end + 1))
            .unwrap_or((rest, &[]));
        let last = match end {
            Some(_) => None,
            None if seen.len() == LONGEST_LINE => Some(Err("bufio: buffer full".to_owned())),
            None if is_whole => Some(Ok(())),
            None => Some(Err("unexpected EOF".to_owned())),
        };
        let broken = decode_line(line, matches!(last, Some(Ok(()))), &mut out)?;
        match (broken, last) {
            (Some(problem), _) | (None, Some(Err(problem))) => return Err(problem),
            (None, Some(Ok(()))) => return Ok(out),
            (None, None) => rest = after,
        }
    }
}

/// Undoes one line. Says what is wrong behind it, which counts once the line itself is undone.
fn decode_line(whole: &[u8], at_end: bool, out: &mut Vec<u8>) -> Result<Option<String>, String> {
    let blanks = |byte: &&u8| matches!(byte, b'\n' | b'\r' | b' ' | b'\t');
    let kept = whole.len() - whole.iter().rev().take_while(blanks).count();
    let (line, behind) = whole.split_at_checked(kept).unwrap_or((whole, &[]));
    let mut broken = None;
    if let Some(line) = line.strip_suffix(b"=") {
        let blank = behind
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let behind = behind.get(blank..).unwrap_or_default();
        let is_soft = behind.starts_with(b"\n")
            || behind.starts_with(b"\r\n")
            || (behind.is_empty() && !line.is_empty() && at_end);
        if !is_soft {
            let behind = go_quote(behind);
            broken = Some(format!("quotedprintable: invalid bytes after =: {behind}"));
        }
        decode_bytes(line, out)?;
    } else {
        let end: &[u8] = match whole {
            [.., b'\r', b'\n'] => b"\r\n",
            [.., b'\n'] => b"\n",
            _ => b"",
        };
        decode_bytes(&[line, end].concat(), out)?;
    }
    Ok(broken)
}

fn decode_bytes(mut line: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    while let Some((&byte, after)) = line.split_first() {
        line = after;
        match byte {
            b'=' => match hex_byte(after) {
                Ok(byte) => {
                    out.push(byte);
                    line = after.get(2..).unwrap_or_default();
                }
                // Taken as it is, but at the end of a line.
                Err(_) if !matches!(after.first(), None | Some(b'\r' | b'\n')) => out.push(b'='),
                Err(problem) => return Err(problem),
            },
            b'\t' | b'\r' | b'\n' | b' '..=b'~' | 0x80.. => out.push(byte),
            _ => {
                return Err(format!(
                    "quotedprintable: invalid unescaped byte 0x{byte:02x} in body"
                ));
            }
        }
    }
    Ok(())
}

fn hex_byte(text: &[u8]) -> Result<u8, String> {
    let Some(&[high, low]) = text.first_chunk::<2>() else {
        return Err("unexpected EOF".to_owned());
    };
    Ok(hex_digit(high)? << 4 | hex_digit(low)?)
}

fn hex_digit(byte: u8) -> Result<u8, String> {
    let digit = char::from(byte).to_digit(16);
    digit
        .and_then(|digit| u8::try_from(digit).ok())
        .ok_or_else(|| format!("quotedprintable: invalid hex byte 0x{byte:02x}"))
}
