//! An HTTP answer, read whole, with the questions that tests ask of it.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// Status, headers and body of an answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Reads an answer to its end.
    ///
    /// # Panics
    /// Where the connection breaks.
    pub async fn read(answer: Result<reqwest::Response, reqwest::Error>) -> Self {
        let answer = answer.unwrap_or_else(|error| panic!("no answer: {error}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer
            .text()
            .await
            .unwrap_or_else(|error| panic!("the answer broke off: {error}"));
        Self {
            status,
            headers,
            body,
        }
    }

    /// Reads the bytes of an HTTP/1.1 answer that ended with its connection.
    ///
    /// # Panics
    /// Where they are none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no HTTP answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no HTTP status: {text:?}"));
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .filter_map(|(name, value)| {
                Some((
                    HeaderName::try_from(name).ok()?,
                    HeaderValue::try_from(value.trim()).ok()?,
                ))
            })
            .fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            });
        Self {
            status,
            headers,
            body: body.to_owned(),
        }
    }

    /// A header's value; empty where it isn't there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// How often a header came.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.headers.get_all(name).iter().count()
    }

    /// The body as JSON; null where it isn't.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// A header as the upstream saw it (the demo's upstream echoes what reached it); empty where it didn't.
    #[must_use]
    pub fn upstream_header(&self, name: &str) -> String {
        self.json()["headers"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The names of all headers that the upstream saw.
    #[must_use]
    pub fn upstream_header_names(&self) -> Vec<String> {
        self.json()["headers"]
            .as_object()
            .map(|headers| headers.keys().cloned().collect())
            .unwrap_or_default()
    }
}
