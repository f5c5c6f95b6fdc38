//! OpenID Connect Discovery 1.0, the one thing of it that is needed: where an issuer's keys are. Reads documents, fetches
//! none.

use reqwest::Url;
use serde::Deserialize;

/// A provider's document is a page or two of JSON.
pub(super) const MAX_BYTES: usize = 256 * 1024;

/// Why a document doesn't say where the keys are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DiscoveryError {
    #[error("not a JSON object with `issuer` and `jwks_uri`")]
    NotADocument,
    #[error("it is of the issuer `{found}`, expected `{expected}` to the letter")]
    OtherIssuer {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    #[error("`jwks_uri` is no http or https URL without user, password and fragment")]
    NotAUrl,
    #[error("`jwks_uri` is not https, though the issuer is")]
    Insecure,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

/// Where an issuer's document is (§4): under the issuer's own path, without a slash between that would be two.
pub(super) fn document_url(issuer: &str) -> String {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{issuer}/.well-known/openid-configuration")
}

/// Where the keys of `issuer` are, as its document says. The document must be that issuer's own (§4.3): one of somebody
/// else would make their keys count for this one's tokens.
pub(super) fn jwks_uri(issuer: &str, document: &[u8]) -> Result<String, DiscoveryError> {
    let document: Document = serde_json::from_slice(document).map_err(|_| DiscoveryError::NotADocument)?;
    if document.issuer != issuer {
        return Err(DiscoveryError::OtherIssuer {
            found: document.issuer.chars().take(200).collect(),
            expected: issuer.to_owned(),
        });
    }
    let url = Url::parse(&document.jwks_uri).map_err(|_| DiscoveryError::NotAUrl)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !plain || !url.has_host() || !matches!(url.scheme(), "http" | "https") {
        return Err(DiscoveryError::NotAUrl);
    }
    if issuer.starts_with("https:") && url.scheme() != "https" {
        return Err(DiscoveryError::Insecure);
    }
    Ok(document.jwks_uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_under_the_issuers_path() {
        for (issuer, url) in [
            (
                "https://a.example",
                "https://a.example/.well-known/openid-configuration",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/openid-configuration",
            ),
            (
                "https://a.example/t/1",
                "https://a.example/t/1/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(document_url(issuer), url);
        }
    }

    #[test]
    fn only_the_issuers_own_document_says_where_its_keys_are() {
        let issuer = "https://a.example";
        let told = |issuer_named: &str, uri: &str| {
            let document = format!(r#"{{"issuer":"{issuer_named}","jwks_uri":"{uri}","more":[1]}}"#);
            jwks_uri(issuer, document.as_bytes())
        };
        assert_eq!(
            told(issuer, "https://keys.example/jwks?v=1"),
            Ok("https://keys.example/jwks?v=1".to_owned())
        );
        for other in ["https://a.example/", "https://A.example", "http://a.example", ""] {
            assert!(
                matches!(
                    told(other, "https://keys.example/"),
                    Err(DiscoveryError::OtherIssuer { .. })
                ),
                "{other}"
            );
        }
        for (uri, error) in [
            ("http://keys.example/", DiscoveryError::Insecure),
            ("/jwks", DiscoveryError::NotAUrl),
            ("file:///etc/passwd", DiscoveryError::NotAUrl),
            ("https://u:p@keys.example/", DiscoveryError::NotAUrl),
            ("https://keys.example/#a", DiscoveryError::NotAUrl),
        ] {
            assert_eq!(told(issuer, uri), Err(error), "{uri}");
        }
        for document in ["", "[]", r#"{"issuer":"https://a.example"}"#, "null"] {
            assert_eq!(
                jwks_uri(issuer, document.as_bytes()),
                Err(DiscoveryError::NotADocument),
                "{document}"
            );
        }
    }

    #[test]
    fn an_issuer_without_tls_may_have_its_keys_anywhere() {
        let document = br#"{"issuer":"http://127.0.0.1:1","jwks_uri":"http://127.0.0.1:2/jwks"}"#;
        assert!(jwks_uri("http://127.0.0.1:1", document).is_ok());
    }
}
