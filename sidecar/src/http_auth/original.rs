//! What the client asked for, as the proxy tells it. Each word of it is there exactly once, from somebody who may say it, or
//! there is no request to decide on: nothing is guessed, filled in or picked from several.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use postern_telemetry::Code;

use super::Mode;

/// The request that a client sent to the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Original<'r> {
    /// Its method.
    pub(super) method: &'r str,
    /// Its target: path and query, undecoded.
    pub(super) path: &'r str,
    /// Its host.
    pub(super) host: &'r str,
    /// `http` or `https`; empty where the form doesn't tell.
    pub(super) scheme: &'r str,
    /// Who connected to the proxy, where the form tells.
    pub(super) client: Option<IpAddr>,
}

/// Why there is no request to decide on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum OriginalError {
    /// A header that the proxy must set isn't there.
    #[error("the header {0} is missing; the proxy must set it on every request it asks about")]
    Missing(HeaderName),
    /// A header that the proxy must set is there twice: one of them is somebody else's.
    #[error("the header {0} is repeated; the proxy must set it in place of what the client sent")]
    Repeated(HeaderName),
    /// It isn't what such a header holds.
    #[error("the header {0} doesn't hold {1}")]
    Unreadable(HeaderName, &'static str),
    /// A client's header stands in the place of ours, and this form has no way to remove it.
    #[error(
        "a header under the prefix that is Postern's was sent along; the proxy must clear it before it asks"
    )]
    Reserved,
}

impl OriginalError {
    /// Its stable code.
    pub(super) fn code(&self) -> Code {
        Code::InvalidRequest
    }
}

/// The headers in which a proxy tells the original request.
struct Names {
    method: HeaderName,
    uri: HeaderName,
    host: HeaderName,
    proto: HeaderName,
    client: HeaderName,
}

const FORWARDED: Names = Names {
    method: HeaderName::from_static("x-forwarded-method"),
    uri: HeaderName::from_static("x-forwarded-uri"),
    host: HeaderName::from_static("x-forwarded-host"),
    proto: HeaderName::from_static("x-forwarded-proto"),
    client: HeaderName::from_static("x-forwarded-for"),
};

const ORIGINAL: Names = Names {
    method: HeaderName::from_static("x-original-method"),
    uri: HeaderName::from_static("x-original-uri"),
    host: HeaderName::from_static("x-original-host"),
    proto: HeaderName::from_static("x-original-proto"),
    client: HeaderName::from_static("x-original-for"),
};

impl<'r> Original<'r> {
    /// Reads it from a request that came from somebody who may say it.
    ///
    /// # Errors
    /// When a part of it is missing, repeated or unreadable.
    pub(super) fn of(mode: Mode, request: &'r Parts) -> Result<Self, OriginalError> {
        match mode {
            Mode::Envoy => Self::itself(request),
            Mode::Forward => Self::told(&FORWARDED, &request.headers),
            Mode::Nginx => Self::told(&ORIGINAL, &request.headers),
        }
    }

    /// The request is the original one, sent to us in place of the upstream.
    fn itself(request: &'r Parts) -> Result<Self, OriginalError> {
        let path = request.uri.path_and_query().map_or("", |target| target.as_str());
        Ok(Self {
            method: request.method.as_str(),
            path,
            host: once(&request.headers, &HOST)?,
            scheme: "",
            client: None,
        })
    }

    /// The request is about the original one, which headers tell. All of them are needed, also those that a decision could
    /// do without: a proxy that doesn't set one lets its clients set it, and this is how its operator finds out.
    fn told(names: &Names, headers: &'r HeaderMap) -> Result<Self, OriginalError> {
        let scheme = once(headers, &names.proto)?;
        if !matches!(scheme, "http" | "https") {
            return Err(OriginalError::Unreadable(names.proto.clone(), "http or https"));
        }
        Ok(Self {
            method: once(headers, &names.method)?,
            path: once(headers, &names.uri)?,
            host: once(headers, &names.host)?,
            scheme,
            client: Some(last_address(once(headers, &names.client)?, &names.client)?),
        })
    }
}

/// Whether `name` is a word between the proxy and us rather than part of the client's request.
pub(super) fn is_between_us(mode: Mode, name: &HeaderName) -> bool {
    match mode {
        Mode::Envoy => false,
        // The others of these reach the upstream too.
        Mode::Forward => *name == FORWARDED.method || *name == FORWARDED.uri,
        Mode::Nginx => [
            ORIGINAL.method,
            ORIGINAL.uri,
            ORIGINAL.host,
            ORIGINAL.proto,
            ORIGINAL.client,
        ]
        .contains(name),
    }
}

/// The text of a header that is there exactly once, and says something.
fn once<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Result<&'r str, OriginalError> {
    let mut values = headers.get_all(name).iter();
    let value = values
        .next()
        .ok_or_else(|| OriginalError::Missing(name.clone()))?;
    if values.next().is_some() {
        return Err(OriginalError::Repeated(name.clone()));
    }
    match value.to_str() {
        Ok("") => Err(OriginalError::Missing(name.clone())),
        Ok(text) => Ok(text),
        Err(_) => Err(OriginalError::Unreadable(name.clone(), "printable ASCII")),
    }
}

/// The last address of a list: the one that the proxy itself saw. Those before it were told to it.
fn last_address(list: &str, name: &HeaderName) -> Result<IpAddr, OriginalError> {
    let last = list.rsplit(',').next().unwrap_or(list).trim_matches([' ', '\t']);
    last.parse()
        .map_err(|_| OriginalError::Unreadable(name.clone(), "a list of addresses"))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(lines: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method("GET").uri("/auth?x=1");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    const TOLD: [(&str, &str); 5] = [
        ("method", "PUT"),
        ("uri", "/orders/7?a=b"),
        ("host", "orders.example"),
        ("proto", "https"),
        ("for", "203.0.113.7"),
    ];

    /// The five headers of one of the two forms, with one of them changed.
    fn told(prefix: &str, change: impl Fn(&str, &str) -> Vec<String>) -> Parts {
        let lines: Vec<(String, String)> = TOLD
            .iter()
            .flat_map(|(name, value)| {
                let values = change(name, value).into_iter();
                values.map(move |value| (format!("{prefix}{name}"), value))
            })
            .collect();
        let lines: Vec<_> = lines
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        parts(&lines)
    }

    fn as_sent(_: &str, value: &str) -> Vec<String> {
        vec![value.to_owned()]
    }

    const FORMS: [(Mode, &str); 2] = [(Mode::Forward, "x-forwarded-"), (Mode::Nginx, "x-original-")];

    #[test]
    fn what_the_proxy_tells_is_the_request_and_the_one_that_asks_is_not() {
        for (mode, prefix) in FORMS {
            let expected = Original {
                method: "PUT",
                path: "/orders/7?a=b",
                host: "orders.example",
                scheme: "https",
                client: Some("203.0.113.7".parse().unwrap()),
            };
            assert_eq!(Original::of(mode, &told(prefix, as_sent)), Ok(expected));
        }
    }

    #[test]
    fn each_word_that_is_missing_empty_or_repeated_leaves_nothing_to_decide_on() {
        for (mode, prefix) in FORMS {
            for (changed, value) in TOLD {
                let name: HeaderName = format!("{prefix}{changed}").parse().unwrap();
                let with = |values: &[&str]| {
                    let request = told(prefix, |name, value| {
                        if name == changed {
                            values.iter().map(ToString::to_string).collect()
                        } else {
                            as_sent(name, value)
                        }
                    });
                    Original::of(mode, &request).map(|_| ())
                };
                assert_eq!(with(&[]), Err(OriginalError::Missing(name.clone())));
                assert_eq!(with(&[""]), Err(OriginalError::Missing(name.clone())));
                assert_eq!(with(&[value, value]), Err(OriginalError::Repeated(name.clone())));
            }
        }
    }

    #[test]
    fn one_form_doesnt_read_the_headers_of_the_other() {
        assert!(Original::of(Mode::Nginx, &told("x-forwarded-", as_sent)).is_err());
        assert!(Original::of(Mode::Forward, &told("x-original-", as_sent)).is_err());
    }

    #[test]
    fn the_client_is_the_address_that_the_proxy_saw_itself() {
        let list = |list: &'static str| {
            let request = told("x-forwarded-", move |name, value| {
                vec![if name == "for" { list } else { value }.to_owned()]
            });
            Original::of(Mode::Forward, &request).map(|original| original.client.map(|ip| ip.to_string()))
        };
        assert_eq!(list("10.0.0.1, 203.0.113.7"), Ok(Some("203.0.113.7".to_owned())));
        assert_eq!(list("2001:db8::1"), Ok(Some("2001:db8::1".to_owned())));
        for wrong in ["unknown", "203.0.113.7,", "203.0.113.7:443"] {
            assert!(list(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_scheme_that_is_none_is_refused() {
        let request = told("x-original-", |name, value| {
            vec![if name == "proto" { "gopher" } else { value }.to_owned()]
        });
        assert!(matches!(
            Original::of(Mode::Nginx, &request),
            Err(OriginalError::Unreadable(..))
        ));
    }

    #[test]
    fn envoys_form_is_the_request_itself_whatever_its_headers_say() {
        let request = parts(&[
            ("host", "orders.example"),
            ("x-original-uri", "/public"),
            ("x-forwarded-uri", "/public"),
        ]);
        let original = Original::of(Mode::Envoy, &request).unwrap();
        assert_eq!((original.path, original.host), ("/auth?x=1", "orders.example"));
        let request = parts(&[("host", "a.example"), ("host", "b.example")]);
        assert_eq!(
            Original::of(Mode::Envoy, &request),
            Err(OriginalError::Repeated(HOST))
        );
    }
}
