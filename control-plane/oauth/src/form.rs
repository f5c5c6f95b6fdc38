//! The body of a token request: `application/x-www-form-urlencoded`, each parameter once (RFC 6749 §3.2, appendix B).

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use postern_telemetry::Code;
use zeroize::Zeroizing;

use crate::error::OAuthError;

/// The largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// The parameters that have a value; one without is as good as omitted (RFC 6749 §3.2).
#[derive(Default)]
pub(crate) struct Form(BTreeMap<String, Zeroizing<String>>);

impl Form {
    /// Reads the form from a request's body.
    ///
    /// # Errors
    /// `invalid_request` that says what was expected.
    pub(crate) async fn read(request: Request) -> Result<Self, OAuthError> {
        let (parts, body) = request.into_parts();
        check_media_type(&parts.headers)?;
        let bytes = bounded(body).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            OAuthError::invalid_request("The body is not UTF-8; percent-encode other characters.")
        })?;
        Self::parse(text)
    }

    /// Parses an encoded form.
    ///
    /// # Errors
    /// `invalid_request` for a repeated parameter and for what can't be decoded.
    pub(crate) fn parse(text: &str) -> Result<Self, OAuthError> {
        let mut parameters = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(OAuthError::invalid_request(
                    "A parameter is not percent-encoded UTF-8.",
                ));
            };
            if parameters.contains_key(name.as_str()) {
                // Its name isn't repeated: it may be a secret in the wrong place.
                return Err(OAuthError::invalid_request(
                    "A parameter is there twice; send each once.",
                ));
            }
            parameters.insert(name.to_string(), value);
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    /// The value of a parameter.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }
}

/// Undoes form encoding; `None` when what comes out is not UTF-8, or an escape is no escape.
pub(crate) fn decode(text: &str) -> Option<Zeroizing<String>> {
    let broken = text.split('%').skip(1).any(|after| {
        !after
            .as_bytes()
            .first_chunk::<2>()
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if broken {
        return None;
    }
    let spaced = Zeroizing::new(text.replace('+', " "));
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(Zeroizing::new(decoded.into_owned()))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), OAuthError> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(MEDIA_TYPE) {
        Ok(())
    } else {
        Err(OAuthError::invalid_request(format!(
            "Content-Type: expected {MEDIA_TYPE}."
        )))
    }
}

async fn bounded(body: Body) -> Result<Zeroizing<Vec<u8>>, OAuthError> {
    match axum::body::to_bytes(body, MAX_BODY).await {
        Ok(bytes) => Ok(Zeroizing::new(bytes.to_vec())),
        Err(error) if is_too_long(&error) => Err(OAuthError::new(
            Code::PayloadTooLarge,
            "The body is larger than 64 KiB.",
        )),
        Err(_) => Err(OAuthError::invalid_request("The body ended before its time.")),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    std::error::Error::source(error)
        .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let form = Form::parse("grant_type=client_credentials&scope=a+b%20c%2Bd&&empty=&lonely")
            .ok()
            .unwrap();
        assert_eq!(form.value("grant_type"), Some("client_credentials"));
        assert_eq!(form.value("scope"), Some("a b c+d"));
        assert_eq!(form.value("empty"), None, "no value is as good as omitted");
        assert_eq!(form.value("lonely"), None);
    }

    #[test]
    fn a_repeated_parameter_is_refused_however_it_is_spelled() {
        for text in [
            "scope=a&scope=b",
            "scope=a&scope=a",
            "scope=&scope=a",
            "scope=a&%73cope=b",
            "x&x",
        ] {
            assert!(Form::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_encoded_utf_8_is_refused() {
        for text in ["a=%ff", "a=%", "a=%4", "a=%zz", "%ff=a"] {
            assert!(Form::parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_comes_back(name in ".{1,20}", value in ".{1,40}") {
            let encoded = url::form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
            let form = Form::parse(&encoded).ok().unwrap();
            proptest::prop_assert_eq!(form.value(&name), Some(value.as_str()));
        }
    }
}
