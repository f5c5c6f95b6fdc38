//! base64, base64url and hexadecimal, as Go's decoders take them. What decodes to bytes that aren't UTF-8 stops the
//! evaluation: OPA keeps such strings, a [`Value`] can't.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, Engine as _};

use super::go_text::is_print;
use super::operands::{self, string};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::Value;

/// Padding is due, leftover bits may be anything.
const PADDED: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDED);
const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDED);
const URL_NO_PAD: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, PADDED.with_encode_padding(false));

pub(super) fn base64_encode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    encode(context, operands, |bytes| STANDARD.encode(bytes))
}

pub(super) fn base64url_encode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    encode(context, operands, |bytes| URL.encode(bytes))
}

pub(super) fn base64url_encode_no_pad(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    encode(context, operands, |bytes| URL_NO_PAD.encode(bytes))
}

pub(super) fn hex_encode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    encode(context, operands, |bytes| hex::encode(bytes))
}

fn encode(context: &mut Context<'_>, operands: &[Value], encoder: fn(&[u8]) -> String) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    context.room(text.len().saturating_mul(2))?;
    answer(encoder(text.as_bytes()))
}

pub(super) fn base64_decode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    answer(utf8(standard_bytes(text)?)?)
}

pub(super) fn base64_is_valid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let Value::String(text) = operands::any(operands, 1)? else {
        return answer(false);
    };
    context.spend(text.len())?;
    answer(decode(&STANDARD, text).is_ok())
}

pub(super) fn base64url_decode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    answer(utf8(url_bytes(text)?)?)
}

pub(super) fn hex_decode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    answer(utf8(hex_bytes(text.as_bytes())?)?)
}

/// Pairs of digits from the left; the first that isn't one is what is complained of, and only then the length.
fn hex_bytes(text: &[u8]) -> Result<Vec<u8>, BuiltinError> {
    let is_wrong = |byte: &&u8| !byte.is_ascii_hexdigit();
    if let Some(&wrong) = text.iter().find(is_wrong) {
        let shown = char::from(wrong);
        let printed = if is_print(shown) {
            format!(" '{shown}'")
        } else {
            String::new()
        };
        return fail(format!("encoding/hex: invalid byte: U+{wrong:04X}{printed}"));
    }
    hex::decode(text).or_else(|_| fail("encoding/hex: odd length hex string"))
}

/// Decodes base64url with its padding or without (RFC 7515, appendix C).
pub(super) fn url_bytes(text: &str) -> Result<Vec<u8>, BuiltinError> {
    let padding = match (text.ends_with('='), text.len() % 4) {
        (true, _) | (false, 0) => "",
        (false, 2) => "==",
        (false, 3) => "=",
        (false, _) => return fail(format!("illegal base64url string: {text}")),
    };
    decode(&URL, &format!("{text}{padding}"))
}

/// Decodes base64 with its padding.
pub(super) fn standard_bytes(text: &str) -> Result<Vec<u8>, BuiltinError> {
    decode(&STANDARD, text)
}

/// Decodes, passing over line ends as Go does.
fn decode(engine: &GeneralPurpose, text: &str) -> Result<Vec<u8>, BuiltinError> {
    let text: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    engine.decode(&text).or_else(|error| {
        let at = match error {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol { offset: at, .. } => at,
            DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => text.len() - text.len() % 4,
        };
        fail(format!("illegal base64 data at input byte {at}"))
    })
}

pub(super) fn utf8(bytes: Vec<u8>) -> Result<String, BuiltinError> {
    String::from_utf8(bytes)
        .map_err(|_| BuiltinError::Halt("decoded bytes are not UTF-8, which is not supported".into()))
}
