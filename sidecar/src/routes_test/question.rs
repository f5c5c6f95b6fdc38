//! The request that is asked about: a line such as `GET https://host/path`, or a `CheckRequest` as JSON.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value as Json;

/// Longest `CheckRequest` that is read.
const MAX_REQUEST_BYTES: u64 = 1 << 20;

/// What is asked.
#[derive(Debug, Args)]
pub(crate) struct Question {
    /// Method and URL, such as `GET https://orders.example/orders/7`. The method may be left out (GET), and so may
    /// scheme and host.
    #[arg(value_name = "REQUEST", required_unless_present = "request")]
    line: Option<String>,
    /// A header, `name: value`. Routes look at `host` only.
    #[arg(long = "header", value_name = "NAME:VALUE", conflicts_with = "request")]
    headers: Vec<String>,
    /// What Envoy's route says of the request (`context_extensions`).
    #[arg(long = "context", value_name = "NAME=VALUE", conflicts_with = "request")]
    context: Vec<String>,
    /// A file with an Envoy `CheckRequest` in protobuf's JSON form; `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "line")]
    request: Option<PathBuf>,
}

/// What of a request routes look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) host: String,
    /// Path and query, as they came.
    pub(crate) target: String,
    pub(crate) context: Vec<(String, String)>,
}

/// Why a question isn't one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuestionError {
    #[error("expected a request such as `GET https://orders.example/orders/7`, got `{0}`")]
    Line(String),
    #[error("--header: expected `name: value`, got `{0}`")]
    Header(String),
    #[error("--context: expected `name=value`, got `{0}`")]
    Context(String),
    #[error("--request {file}: {problem}")]
    File { file: String, problem: String },
}

impl Question {
    /// The request that is meant.
    pub(super) fn request(&self) -> Result<Request, QuestionError> {
        if let Some(path) = &self.request {
            let file = path.display().to_string();
            return read(path)
                .and_then(|text| of_check(&text))
                .map_err(|problem| QuestionError::File { file, problem });
        }
        let line = self.line.as_deref().unwrap_or_default();
        let mut request = of_line(line).ok_or_else(|| QuestionError::Line(line.to_owned()))?;
        for header in &self.headers {
            let (name, value) = header
                .split_once(':')
                .ok_or_else(|| QuestionError::Header(header.clone()))?;
            if name.trim().eq_ignore_ascii_case("host") {
                value.trim().clone_into(&mut request.host);
            }
        }
        for pair in &self.context {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| QuestionError::Context(pair.clone()))?;
            request.context.push((name.to_owned(), value.to_owned()));
        }
        Ok(request)
    }
}

fn of_line(line: &str) -> Option<Request> {
    let (method, url) = match line.trim().split_once(' ') {
        Some((method, url)) => (method, url.trim()),
        None => ("GET", line.trim()),
    };
    let (host, target) = match url.split_once("://") {
        // The path is taken as it stands: how it is read is what is asked.
        Some((_, rest)) => match rest.find(['/', '?']) {
            Some(end) => rest.split_at(end),
            None => (rest, "/"),
        },
        None => ("", url),
    };
    let is_target = target.starts_with('/') || target == "*";
    (!method.is_empty() && is_target).then(|| Request {
        method: method.to_owned(),
        host: host.to_owned(),
        target: target.to_owned(),
        context: Vec::new(),
    })
}

fn read(path: &std::path::Path) -> Result<String, String> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin()
            .take(MAX_REQUEST_BYTES + 1)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_REQUEST_BYTES + 1).read_to_string(&mut text))
    };
    read.map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_REQUEST_BYTES {
        return Err("longer than 1 MiB, so hardly a request".to_owned());
    }
    Ok(text)
}

/// Names in a protobuf's JSON form come in two spellings; both are read.
fn of_check(text: &str) -> Result<Request, String> {
    let check: Json = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let http = check
        .pointer("/attributes/request/http")
        .and_then(Json::as_object)
        .ok_or("attributes.request.http is missing; expected an Envoy CheckRequest")?;
    let text = |name: &str| match http.get(name) {
        None | Some(Json::Null) => Ok(String::new()),
        Some(Json::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("attributes.request.http.{name}: expected a string")),
    };
    let context = ["contextExtensions", "context_extensions"]
        .iter()
        .filter_map(|name| check.pointer(&format!("/attributes/{name}"))?.as_object())
        .flatten()
        .map(|(name, value)| match value.as_str() {
            Some(value) => Ok((name.clone(), value.to_owned())),
            None => Err(format!("attributes.contextExtensions.{name}: expected a string")),
        })
        .collect::<Result<_, _>>()?;
    Ok(Request {
        method: text("method")?,
        host: text("host")?,
        target: text("path")?,
        context,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(&str, &str, &str)>) {
        let read = of_line(line);
        let read = read
            .as_ref()
            .map(|request| (&*request.method, &*request.host, &*request.target));
        assert_eq!(read, expected, "{line}");
    }

    #[test]
    fn a_line_is_method_and_url_of_which_the_path_is_left_as_it_is() {
        check("GET https://a.example/b?c", Some(("GET", "a.example", "/b?c")));
        check(
            "POST http://a.example:8080/b//../%2F",
            Some(("POST", "a.example:8080", "/b//../%2F")),
        );
        check("https://a.example", Some(("GET", "a.example", "/")));
        check("/b", Some(("GET", "", "/b")));
        check("OPTIONS *", Some(("OPTIONS", "", "*")));
        for line in ["", "GET", "GET a.example", "https://a.example?b"] {
            check(line, None);
        }
    }

    #[test]
    fn a_check_request_is_read_in_both_spellings() {
        for name in ["contextExtensions", "context_extensions"] {
            let text = format!(
                r#"{{"attributes":{{"request":{{"http":{{"method":"GET","host":"a","path":"/b"}}}},"{name}":{{"k":"v"}}}}}}"#
            );
            let request = of_check(&text).unwrap();
            assert_eq!(request.context, [("k".to_owned(), "v".to_owned())]);
            assert_eq!(
                (&*request.method, &*request.host, &*request.target),
                ("GET", "a", "/b")
            );
        }
        for text in ["", "{}", r#"{"attributes":{"request":{"http":{"method":1}}}}"#] {
            assert!(of_check(text).is_err(), "{text}");
        }
    }
}
