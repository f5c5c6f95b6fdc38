//! Forms in parts (RFC 7578) as Go's `mime/multipart` reads them: lines that end in CRLF or, from the first boundary on, in LF
//! alone; parts with the headers of a message; quoted-printable undone. What is ill-formed is refused in Go's words.

use std::collections::BTreeMap;

use postern_rego::host::go_quote;
use postern_rego::{Array, Value};

use super::InputError;
use super::go_json;
use super::media_type;
use super::quoted_printable;
use super::text::go_lossy;

/// A line longer than this is more than Go's reader looks at.
const LONGEST_LINE: usize = 4096;
/// Headers of one part.
const MOST_HEADERS: usize = 10_000;
/// How much of an ill-formed first header line is read.
const LONGEST_FIRST_LINE: usize = 80;

/// Why a form can't be read.
enum Ended {
    /// There is no more of it; what came counts.
    Here,
    /// It is ill-formed.
    Refused(InputError),
}

impl Ended {
    fn refused(problem: impl Into<String>) -> Self {
        Self::Refused(InputError::Multipart {
            problem: problem.into(),
        })
    }
}

/// An object from each field's name to the list of its values, in the order they came; null where the type names no boundary.
///
/// # Errors
/// When the type or the form is ill-formed.
pub(super) fn parsed(content_type: &str, body: &[u8]) -> Result<Value, InputError> {
    let problem = |problem: &str| InputError::Multipart {
        problem: problem.to_owned(),
    };
    let media = media_type::parse(content_type).map_err(problem)?;
    let Some(boundary) = media.parameters.get("boundary") else {
        return Ok(Value::Null);
    };
    if boundary.is_empty() {
        return Err(problem("multipart: boundary is empty"));
    }
    let mut fields: BTreeMap<String, Array> = BTreeMap::new();
    let mut form = Form::new(boundary, body);
    loop {
        match form.field() {
            Ok(None) => {}
            Ok(Some((name, value))) => fields.entry(name).or_default().push(value),
            Err(Ended::Here) => return Ok(Value::object_from(fields)),
            Err(Ended::Refused(error)) => return Err(error),
        }
    }
}

/// A form being read.
struct Form<'a> {
    rest: &'a [u8],
    /// `--boundary`.
    delimiter: Vec<u8>,
    newline: &'static [u8],
    has_begun: bool,
}

/// The headers of a part that say something here.
#[derive(Default)]
struct Headers {
    disposition: Option<String>,
    content_type: Option<String>,
    encoding: Option<String>,
}

impl<'a> Form<'a> {
    fn new(boundary: &str, body: &'a [u8]) -> Self {
        Self {
            rest: body,
            delimiter: [b"--", boundary.as_bytes()].concat(),
            newline: b"\r\n",
            has_begun: false,
        }
    }

    /// The next part; `None` where it has no name.
    fn field(&mut self) -> Result<Option<(String, Value)>, Ended> {
        self.next_part()?;
        let headers = self.headers()?;
        let raw = self.data();
        let Some(name) = headers.name() else {
            return Ok(None);
        };
        let data = if headers.is_quoted_printable() {
            let (data, is_whole) = raw;
            quoted_printable::decoded(data, is_whole).map_err(Ended::refused)?
        } else {
            match raw {
                (data, true) => data.to_vec(),
                (_, false) => return Err(Ended::refused("unexpected EOF")),
            }
        };
        let value = if headers
            .content_type
            .is_some_and(|it| it.contains("application/json"))
        {
            go_json::decode(&data).map_err(Ended::Refused)?
        } else {
            go_lossy(&data).into()
        };
        Ok(Some((name, value)))
    }

    /// Goes to the beginning of the next part.
    fn next_part(&mut self) -> Result<(), Ended> {
        let mut expected = false;
        loop {
            let line = match self.line() {
                Ok(line) => line,
                Err(line) => {
                    if line.len() < LONGEST_LINE && self.is_last(line) {
                        return Err(Ended::Here);
                    }
                    let why = if line.len() < LONGEST_LINE {
                        "EOF"
                    } else {
                        "bufio: buffer full"
                    };
                    return Err(Ended::refused(format!("multipart: NextPart: {why}")));
                }
            };
            if self.is_delimiter(line) {
                self.has_begun = true;
                return Ok(());
            }
            if self.is_last(line) {
                return Err(Ended::Here);
            }
            if expected {
                let line = go_quote(line);
                return Err(Ended::refused(format!(
                    "multipart: expecting a new Part; got line {line}"
                )));
            }
            if !self.has_begun {
                continue;
            }
            if line != self.newline {
                let line = go_quote(line);
                return Err(Ended::refused(format!(
                    "multipart: unexpected line in Next(): {line}"
                )));
            }
            expected = true;
        }
    }

    /// The next line with its end, taken; or what there is of a line that doesn't end.
    fn line(&mut self) -> Result<&'a [u8], &'a [u8]> {
        let seen = self.rest.get(..LONGEST_LINE).unwrap_or(self.rest);
        let Some(end) = seen.iter().position(|byte| *byte == b'\n') else {
            return Err(seen);
        };
        let (line, rest) = self.rest.split_at_checked(end + 1).unwrap_or((self.rest, &[]));
        self.rest = rest;
        Ok(line)
    }

    /// `--boundary--`, and blanks.
    fn is_last(&self, line: &[u8]) -> bool {
        let behind = line
            .strip_prefix(self.delimiter.as_slice())
            .and_then(|rest| rest.strip_prefix(b"--"));
        behind.is_some_and(|rest| {
            let rest = without_blanks(rest);
            rest.is_empty() || rest == self.newline
        })
    }

    /// `--boundary`, and blanks. The first one says how lines end.
    fn is_delimiter(&mut self, line: &[u8]) -> bool {
        let Some(rest) = line.strip_prefix(self.delimiter.as_slice()) else {
            return false;
        };
        let rest = without_blanks(rest);
        if !self.has_begun && rest == b"\n" {
            self.newline = b"\n";
        }
        rest == self.newline
    }

    /// The headers of a part, and the empty line behind them.
    fn headers(&mut self) -> Result<Headers, Ended> {
        if matches!(self.rest.first(), Some(b' ' | b'\t')) {
            let line = self.header_line().unwrap_or_default();
            if line.len() > LONGEST_FIRST_LINE {
                return Err(Ended::refused("multipart: message too large"));
            }
            let line = go_quote(line);
            return Err(Ended::refused(format!(
                "malformed MIME header initial line: {line}"
            )));
        }
        let mut headers = Headers::default();
        for _ in 0..=MOST_HEADERS {
            // A form that ends among the headers of a part ends before it.
            let line = self.header_line().ok_or(Ended::Here)?;
            if line.is_empty() {
                return Ok(headers);
            }
            if !line.contains(&b':') {
                let line = go_quote(line);
                return Err(Ended::refused(format!(
                    "malformed MIME header: missing colon: {line}"
                )));
            }
            let line = self.continued(line);
            if line.is_empty() {
                return Ok(headers);
            }
            headers.add(&line)?;
        }
        Err(Ended::refused("multipart: message too large"))
    }

    /// A line without its end; `None` at the end of all.
    fn header_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let (line, rest) = match end {
            Some(end) => self.rest.split_at_checked(end + 1)?,
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        let Some(line) = line.strip_suffix(b"\n") else {
            return Some(line);
        };
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The line with those behind it that begin with a blank.
    fn continued(&mut self, line: &[u8]) -> Vec<u8> {
        let mut whole = trimmed(line).to_vec();
        while matches!(self.rest.first(), Some(b' ' | b'\t')) {
            self.rest = without_blanks(self.rest);
            whole.push(b' ');
            match self.header_line() {
                Some(line) => whole.extend_from_slice(trimmed(line)),
                None => break,
            }
        }
        whole
    }

    /// What the part holds, and whether a boundary ends it.
    fn data(&mut self) -> (&'a [u8], bool) {
        let end = self.end_of_data();
        let (data, rest) = self
            .rest
            .split_at_checked(end.unwrap_or(self.rest.len()))
            .unwrap_or((self.rest, &[]));
        self.rest = rest;
        (data, end.is_some())
    }

    fn end_of_data(&self) -> Option<usize> {
        let mut from = 0;
        if let Some(behind) = self.rest.strip_prefix(self.delimiter.as_slice()) {
            if ends_delimiter(behind) {
                return Some(0);
            }
            from = self.delimiter.len();
        }
        let delimiter = [self.newline, &self.delimiter].concat();
        loop {
            let rest = self.rest.get(from..)?;
            let at = rest
                .windows(delimiter.len())
                .position(|window| window == delimiter)?;
            if ends_delimiter(rest.get(at + delimiter.len()..)?) {
                return Some(from + at);
            }
            from += at + delimiter.len();
        }
    }
}

/// A header's name as Go writes it, unless there is a space in it: capitals at its beginning and behind each dash.
fn canonical(name: &[u8]) -> Vec<u8> {
    if name.contains(&b' ') {
        return name.to_vec();
    }
    let mut upper = true;
    let canonical = name.iter().map(|byte| {
        let written = if upper {
            byte.to_ascii_uppercase()
        } else {
            byte.to_ascii_lowercase()
        };
        upper = *byte == b'-';
        written
    });
    canonical.collect()
}

/// Whether what stands behind a boundary lets it be one.
fn ends_delimiter(behind: &[u8]) -> bool {
    matches!(behind, [] | [b' ' | b'\t' | b'\r' | b'\n', ..] | [b'-', b'-', ..])
}

fn without_blanks(text: &[u8]) -> &[u8] {
    let blanks = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    text.get(blanks..).unwrap_or_default()
}

/// Without blanks at either end.
fn trimmed(line: &[u8]) -> &[u8] {
    let line = without_blanks(line);
    let blanks = line
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    line.get(..line.len() - blanks).unwrap_or_default()
}

impl Headers {
    fn add(&mut self, line: &[u8]) -> Result<(), Ended> {
        let malformed = |line: &[u8]| {
            let line = go_quote(line);
            Ended::refused(format!("malformed MIME header line: {line}"))
        };
        let colon = line.iter().position(|byte| *byte == b':');
        let split = colon.and_then(|colon| line.split_at_checked(colon));
        let (name, behind) = split.ok_or_else(|| malformed(line))?;
        let value = behind.get(1..).unwrap_or_default();
        let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~ ".contains(byte);
        let control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
        if name.is_empty() || !name.iter().all(token) {
            return Err(malformed(line));
        }
        if value.iter().any(control) {
            // Go has written the name in its canonical form over the one that came.
            return Err(malformed(&[&canonical(name), behind].concat()));
        }
        // The first of a name counts.
        let place = match name.to_ascii_lowercase().as_slice() {
            b"content-disposition" => &mut self.disposition,
            b"content-type" => &mut self.content_type,
            b"content-transfer-encoding" => &mut self.encoding,
            _ => return Ok(()),
        };
        place.get_or_insert_with(|| go_lossy(without_blanks(value)));
        Ok(())
    }

    /// The name of the field; `None` where there is none, or an empty one.
    fn name(&self) -> Option<String> {
        let mut disposition = media_type::parse(self.disposition.as_deref()?).ok()?;
        if disposition.essence != "form-data" {
            return None;
        }
        disposition
            .parameters
            .remove("name")
            .filter(|name| !name.is_empty())
    }

    fn is_quoted_printable(&self) -> bool {
        let encoding = self.encoding.as_deref();
        encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("quoted-printable"))
    }
}

#[cfg(test)]
#[path = "multipart_tests.rs"]
mod tests;
