//! Where a client's credentials stand in a request (RFC 6749 §2.3.1): in `Authorization: Basic` or in the body, never
//! in both. Whether they are right is for the identity service to say.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_telemetry::Code;
use zeroize::Zeroizing;

use crate::error::OAuthError;
use crate::form::{Form, decode};

/// A client's id and secret as they were presented.
pub(crate) struct Presented {
    pub(crate) client_id: String,
    pub(crate) client_secret: Zeroizing<String>,
}

/// The credentials of a request.
///
/// # Errors
/// `invalid_request` when they are presented in two ways, `invalid_client` when there are none or they can't be read.
pub(crate) fn presented(headers: &HeaderMap, form: &Form) -> Result<Presented, OAuthError> {
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    let header = authorizations.next();
    if authorizations.next().is_some() {
        return Err(OAuthError::invalid_request(
            "Authorization: expected one, got several.",
        ));
    }
    match (header, form.value("client_secret")) {
        (Some(_), Some(_)) => Err(OAuthError::invalid_request(
            "The client is authenticated twice: use either Authorization: Basic or client_secret in the body.",
        )),
        (Some(header), None) => {
            let presented = header.to_str().ok().and_then(basic).ok_or_else(|| {
                OAuthError::new(
                    Code::InvalidClient,
                    "Authorization: expected Basic with base64 of the form-encoded client_id:client_secret.",
                )
            })?;
            match form.value("client_id") {
                Some(client_id) if client_id != presented.client_id => Err(OAuthError::invalid_request(
                    "client_id in the body is another than in Authorization.",
                )),
                _ => Ok(presented),
            }
        }
        (None, Some(client_secret)) => Ok(Presented {
            client_id: form
                .value("client_id")
                .ok_or_else(|| OAuthError::invalid_request("client_id: missing beside client_secret."))?
                .to_owned(),
            client_secret: Zeroizing::new(client_secret.to_owned()),
        }),
        (None, None) => Err(OAuthError::new(
            Code::InvalidClient,
            "The client is not authenticated: send Authorization: Basic, or client_id and client_secret in the body.",
        )),
    }
}

/// `Basic` credentials (RFC 7617), of which each half is form-encoded once more (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<Presented> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim_matches(' ')).ok()?);
    let (client_id, client_secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Presented {
        client_id: decode(client_id)?.to_string(),
        client_secret: decode(client_secret)?,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(authorization: &[&str], body: &str) -> Result<(String, String), u16> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let form = Form::parse(body).ok().unwrap();
        presented(&headers, &form)
            .map(|presented| (presented.client_id, presented.client_secret.to_string()))
            .map_err(|error| {
                axum::response::IntoResponse::into_response(error)
                    .status()
                    .as_u16()
            })
    }

    fn basic_of(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn credentials_are_found_in_the_header_or_in_the_body() {
        let found = Ok(("reader".to_owned(), "s3cret".to_owned()));
        assert_eq!(check(&[&basic_of("reader:s3cret")], ""), found);
        assert_eq!(
            check(&[&basic_of("reader:s3cret").replacen("Basic", "bASIC", 1)], ""),
            found
        );
        assert_eq!(check(&[&basic_of("reader:s3cret")], "client_id=reader"), found);
        assert_eq!(check(&[], "client_id=reader&client_secret=s3cret"), found);
    }

    #[test]
    fn both_halves_of_basic_are_form_encoded() {
        let found = check(&[&basic_of("a%3Ab+c:p%25+%C3%A9:d")], "");
        assert_eq!(found, Ok(("a:b c".to_owned(), "p% é:d".to_owned())));
    }

    #[test]
    fn two_ways_at_once_are_an_invalid_request() {
        let basic = basic_of("reader:s3cret");
        assert_eq!(
            check(&[&basic], "client_id=reader&client_secret=s3cret"),
            Err(400)
        );
        assert_eq!(check(&[&basic], "client_id=another"), Err(400));
        assert_eq!(check(&[&basic, &basic], ""), Err(400));
        assert_eq!(check(&[], "client_secret=s3cret"), Err(400));
    }

    #[test]
    fn no_credentials_and_unreadable_ones_are_an_invalid_client() {
        for header in [
            "Bearer abc",
            "Basic",
            "Basic ???",
            &basic_of("no colon"),
            &basic_of("a%zz:b"),
            "Basic /w==",
        ] {
            assert_eq!(check(&[header], ""), Err(401), "{header}");
        }
        assert_eq!(check(&[], ""), Err(401));
        assert_eq!(check(&[], "client_id=reader"), Err(401));
    }
}
