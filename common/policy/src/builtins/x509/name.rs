//! Distinguished names (RFC 5280, 4.1.2.4).

use postern_rego::BuiltinError;

use super::super::fail;
use super::der::{Der, SEQUENCE, SET};

const T61: u8 = 0x14;

/// An attribute of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) kind: Vec<u32>,
    pub(super) value: String,
    /// Of an old kind of string, and not ASCII: Go reads those otherwise in requests.
    pub(super) is_latin_1: bool,
}

/// The attributes of a name, in their order; which of them stand together doesn't show.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Attribute>, BuiltinError> {
    let Some(mut sequence) = Der(bytes).read(SEQUENCE) else {
        return fail("x509: invalid RDNSequence");
    };
    let mut attributes = Vec::new();
    while !sequence.is_empty() {
        let Some(mut set) = sequence.read(SET) else {
            return fail("x509: invalid RDNSequence");
        };
        while !set.is_empty() {
            let Some(mut attribute) = set.read(SEQUENCE) else {
                return fail("x509: invalid RDNSequence: invalid attribute");
            };
            let Some(kind) = attribute.oid() else {
                return fail("x509: invalid RDNSequence: invalid attribute type");
            };
            let Some(value) = attribute.any() else {
                return fail("x509: invalid RDNSequence: invalid attribute value");
            };
            let is_latin_1 = value.tag == T61 && !value.contents.is_ascii();
            let Some(value) = text(value.tag, value.contents) else {
                return fail("x509: invalid RDNSequence: invalid attribute value: invalid string");
            };
            attributes.push(Attribute {
                kind,
                value,
                is_latin_1,
            });
        }
    }
    Ok(attributes)
}

/// The text of a string of any kind.
fn text(tag: u8, value: &[u8]) -> Option<String> {
    const UTF8: u8 = 0x0c;
    const NUMERIC: u8 = 0x12;
    const PRINTABLE: u8 = 0x13;
    const IA5: u8 = 0x16;
    const BMP: u8 = 0x1e;
    let plain = |is_fine: fn(&u8) -> bool| {
        let is_fine = value.iter().all(is_fine);
        is_fine.then(|| value.iter().copied().map(char::from).collect())
    };
    match tag {
        UTF8 => std::str::from_utf8(value).ok().map(str::to_owned),
        NUMERIC => plain(|byte| byte.is_ascii_digit() || *byte == b' '),
        PRINTABLE => plain(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'\''..=b')' | b'+'..=b'/')
                || b" :=?*&".contains(byte)
        }),
        // Read as Latin-1, as everybody does.
        T61 => plain(|_| true),
        IA5 => plain(u8::is_ascii),
        BMP => bmp(value),
        _ => None,
    }
}

fn bmp(value: &[u8]) -> Option<String> {
    if !value.len().is_multiple_of(2) {
        return None;
    }
    let value = value.strip_suffix(&[0, 0]).unwrap_or(value);
    let points = value.chunks_exact(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0xffff,
    });
    let mut text = String::new();
    for point in points {
        if matches!(point, 0xfffe | 0xffff | 0xfdd0..=0xfdef) {
            return None;
        }
        text.push(char::from_u32(u32::from(point))?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn strings_of_each_kind_are_read_as_go_reads_them() {
        assert_eq!(text(0x13, b"a*&b"), Some("a*&b".to_owned()));
        assert_eq!(text(0x13, b"a@b"), None);
        assert_eq!(text(0x0c, "é".as_bytes()), Some("é".to_owned()));
        assert_eq!(text(0x0c, &[0xff]), None);
        assert_eq!(text(0x14, &[0xe9]), Some("é".to_owned()));
        assert_eq!(text(0x16, &[0xe9]), None);
        assert_eq!(text(0x12, b"1 2"), Some("1 2".to_owned()));
        assert_eq!(text(0x12, b"1-2"), None);
        assert_eq!(text(0x1e, &[0, 0x61, 0, 0]), Some("a".to_owned()));
        assert_eq!(text(0x1e, &[0xd8, 0]), None);
        assert_eq!(text(0x1e, &[0]), None);
        assert_eq!(text(0x04, b"a"), None);
    }
}
