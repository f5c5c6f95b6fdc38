//! One request and what it leads to: redirects as Go's `http.Client` follows them, retries as OPA makes them.

use std::time::Duration;

use postern_policy::http::HttpRequest;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE, HeaderMap,
    HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, WWW_AUTHENTICATE,
};
use reqwest::{Method, Url};
use tokio::time::Instant;

use super::hop::{Bounds, Hop};
use super::location;

/// So many redirects are followed; OPA has no bound.
const MAX_REDIRECTS: u32 = 10;
/// OPA waits that long before its first retry, and 1.6 times as long before each further one, a minute at most.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A request on its way.
pub(super) struct Call<'a> {
    request: &'a HttpRequest,
    first: Hop,
    hop: Hop,
    bounds: Bounds,
    redirects: u32,
    retries: u32,
}

/// Whether there is another try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// After so long.
    After(Duration),
    /// No.
    Never,
    /// OPA might have one, and might not.
    Unclear,
}

impl<'a> Call<'a> {
    /// The first hop. A try may take as long as the request says, from now.
    pub(super) fn new(request: &'a HttpRequest, max_response: usize) -> Result<Self, String> {
        let url = Url::parse(&request.url).map_err(|error| format!("{request}: {error}"))?;
        if !location::says_the_same(&url, &request.url) {
            return Err(format!("{request}: the URL can be read in two ways"));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::try_from(name).map_err(|error| format!("{request}: {error}"))?;
            let value = HeaderValue::try_from(value).map_err(|error| format!("{request}: {error}"))?;
            headers.insert(name, value);
        }
        let method =
            Method::try_from(request.method.as_str()).map_err(|error| format!("{request}: {error}"))?;
        let hop = Hop {
            method,
            url,
            headers,
            body: request.body.clone(),
        };
        Ok(Self {
            first: hop.clone(),
            hop,
            bounds: Bounds {
                until: deadline(request),
                max_response,
                follow_redirects: request.follow_redirects,
            },
            redirects: 0,
            retries: 0,
            request,
        })
    }

    pub(super) fn request(&self) -> &HttpRequest {
        self.request
    }

    pub(super) fn hop(&self) -> &Hop {
        &self.hop
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Whether it is tried again after a failure: from the beginning, after that long. `unsent` says that this hop was not
    /// sent for certain.
    pub(super) fn retry(&mut self, unsent: bool) -> Retry {
        if self.retries >= self.request.retries {
            return Retry::Never;
        }
        // OPA sends a body once: what remains of it for another try depends on how far the one before came.
        let still_there = self.first.body.is_empty() || unsent && self.redirects == 0;
        if !still_there {
            return Retry::Unclear;
        }
        let mut wait = FIRST_WAIT;
        for _ in 0..self.retries.min(32) {
            wait = wait.saturating_mul(8) / 5;
        }
        self.retries += 1;
        self.redirects = 0;
        self.hop = self.first.clone();
        Retry::After(wait.min(LONGEST_WAIT))
    }

    /// Begins a try anew.
    pub(super) fn again(&mut self) {
        self.bounds.until = deadline(self.request);
    }

    /// Goes where a redirect leads.
    pub(super) fn redirected(&mut self, keeps_method: bool, to: &str) -> Result<(), String> {
        let name = self.hop.name();
        if self.redirects >= MAX_REDIRECTS {
            return Err(format!("{name}: more than {MAX_REDIRECTS} redirects"));
        }
        self.redirects += 1;
        let url = location::resolved(&self.hop.url, to)
            .map_err(|why| format!("{name}: redirected to what isn't followed: {why}"))?;
        let hop = &mut self.hop;
        if !keeps_method {
            if hop.method != Method::HEAD {
                hop.method = Method::GET;
            }
            hop.body.clear();
            for of_the_body in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION] {
                hop.headers.remove(of_the_body);
            }
        }
        if !is_same_or_below(url.host_str(), self.first.url.host_str()) {
            strip_secrets(&mut hop.headers);
        } else if hop.url.scheme() == "https" && url.scheme() == "http" && has_secrets(&hop.headers) {
            // Go would send them.
            return Err(format!("{name}: redirected to plain http with credentials"));
        }
        hop.url = url;
        Ok(())
    }
}

fn deadline(request: &HttpRequest) -> Option<Instant> {
    Instant::now().checked_add(request.timeout?)
}

/// What Go doesn't send on to strangers.
fn secrets() -> [HeaderName; 6] {
    [
        AUTHORIZATION,
        COOKIE,
        HeaderName::from_static("cookie2"),
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        WWW_AUTHENTICATE,
    ]
}

fn strip_secrets(headers: &mut HeaderMap) {
    for secret in secrets() {
        headers.remove(secret);
    }
}

fn has_secrets(headers: &HeaderMap) -> bool {
    secrets().iter().any(|secret| headers.contains_key(secret))
}

/// Where Go lets credentials go on to, from the first host that was asked. Once taken away they stay away.
fn is_same_or_below(to: Option<&str>, from: Option<&str>) -> bool {
    let (Some(to), Some(from)) = (to, from) else {
        return false;
    };
    let below = |rest: &str| rest.ends_with('.') && !to.starts_with('[');
    to == from || to.strip_suffix(from).is_some_and(below)
}

#[cfg(test)]
mod tests {
    use postern_policy::http::{HttpAnswers, send};
    use postern_rego::{BuiltinError, Context, Env, Value};
    use serde_json::json;

    use super::*;

    /// A request as a policy makes it.
    fn request(options: &serde_json::Value) -> HttpRequest {
        let mut object = json!({
            "method": "post", "url": "https://a.example/", "enable_redirect": true, "max_retry_attempts": 2,
            "headers": { "authorization": "secret", "content-type": "a/b", "x-a": "1" },
        });
        let options = options.as_object().unwrap().clone();
        object.as_object_mut().unwrap().extend(options);
        let mut env = Env::new(0, [0; 32]);
        env.http = HttpAnswers::up_to(1);
        match send(&mut Context::new(&env, 10_000, None), &[Value::from(object)]) {
            Err(BuiltinError::NeedsHttp(request)) => *request,
            other => panic!("{other:?}"),
        }
    }

    fn names(call: &Call<'_>) -> Vec<String> {
        let mut names: Vec<_> = call.hop().headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn a_redirect_takes_along_what_go_would_take_along() {
        for (keeps_method, hops, wanted) in [
            (true, vec!["/b"], vec!["authorization", "content-type", "x-a"]),
            (false, vec!["/b"], vec!["authorization", "x-a"]),
            (
                true,
                vec!["https://b.a.example/"],
                vec!["authorization", "content-type", "x-a"],
            ),
            (
                true,
                vec!["https://a.example:8443/"],
                vec!["authorization", "content-type", "x-a"],
            ),
            (true, vec!["https://ba.example/"], vec!["content-type", "x-a"]),
            // Back at a subdomain of the first host, it counts as the first; taken away, it stays away.
            (
                true,
                vec!["https://b.a.example/", "https://a.example/"],
                vec!["authorization", "content-type", "x-a"],
            ),
            (
                true,
                vec!["https://b.example/", "https://a.example/"],
                vec!["content-type", "x-a"],
            ),
        ] {
            let request = request(&json!({ "body": 1 }));
            let mut call = Call::new(&request, 1).unwrap();
            for hop in &hops {
                call.redirected(keeps_method, hop).unwrap();
            }
            assert_eq!(names(&call), wanted, "{hops:?}");
            assert_eq!(call.hop().method == Method::POST, keeps_method);
            assert_eq!(call.hop().body.is_empty(), !keeps_method);
        }
        let request = request(&json!({}));
        let mut call = Call::new(&request, 1).unwrap();
        let refused = call.redirected(true, "http://a.example/").unwrap_err();
        assert!(refused.contains("plain http with credentials"), "{refused}");
    }

    #[test]
    fn a_call_is_redirected_so_often_and_no_more() {
        let request = request(&json!({}));
        let mut call = Call::new(&request, 1).unwrap();
        for _ in 0..MAX_REDIRECTS {
            call.redirected(true, "/").unwrap();
        }
        assert!(call.redirected(true, "/").is_err());
    }

    #[test]
    fn another_try_begins_at_the_first_hop_and_a_body_is_sent_once() {
        let without_body = request(&json!({}));
        let mut call = Call::new(&without_body, 1).unwrap();
        call.redirected(false, "https://b.example/").unwrap();
        assert_eq!(call.retry(false), Retry::After(Duration::from_millis(100)));
        assert_eq!(call.hop().url.as_str(), "https://a.example/");
        assert_eq!(names(&call), ["authorization", "content-type", "x-a"]);
        assert_eq!(call.retry(false), Retry::After(Duration::from_millis(160)));
        assert_eq!(call.retry(true), Retry::Never);

        let with_body = request(&json!({ "body": 1 }));
        let mut call = Call::new(&with_body, 1).unwrap();
        assert!(matches!(call.retry(true), Retry::After(_)));
        assert_eq!(call.retry(false), Retry::Unclear);
        call.redirected(true, "/b").unwrap();
        assert_eq!(call.retry(true), Retry::Unclear);
    }
}
