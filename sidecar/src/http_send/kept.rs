//! Answers that serve other decisions, too (`cache`, `force_cache`), as OPA keeps them (`topdown/http.go`): as long as their
//! headers or the policy say; then the server is asked whether they still hold, if they have a tag or a date. Bounded in bytes.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use postern_decide::Now;
use postern_policy::Value;
use postern_policy::http::{HttpFailure, HttpKeep, HttpRequest, HttpResponse};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::HttpSender;

/// How many bytes are kept where nobody says; OPA has no bound then.
const DEFAULT_BYTES: u64 = 64 << 20;
/// What a value in a request weighs at most, about.
const BYTES_PER_WEIGHT: u64 = 64;
/// What an answer weighs besides its text.
const OVERHEAD: usize = 1024;
/// How many answers are expected.
const EXPECTED: usize = 256;
/// The statuses whose answers are kept.
const CACHEABLE: [u16; 11] = [200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501];

/// What was answered to requests of policies.
#[derive(Debug)]
pub(super) struct Kept(Cache<Value, Arc<Answer>, Size>);

#[derive(Debug)]
struct Answer {
    response: HttpResponse,
    /// In nanoseconds since 1970; in the past where nothing says how long it holds.
    expires_ns: i64,
}

#[derive(Debug, Clone)]
struct Size;

impl Weighter<Value, Arc<Answer>> for Size {
    fn weight(&self, request: &Value, answer: &Arc<Answer>) -> u64 {
        let response = &answer.response;
        let headers = response
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let bytes = headers.sum::<usize>() + response.body.len() + OVERHEAD;
        let asked = request.weight().saturating_mul(BYTES_PER_WEIGHT);
        u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(asked)
    }
}

impl Kept {
    /// Nothing yet, and never more than so many bytes; 0 is for nobody saying.
    pub(super) fn new(bytes: Option<u64>) -> Self {
        let bytes = bytes.filter(|bytes| *bytes > 0).unwrap_or(DEFAULT_BYTES);
        Self(Cache::with_weighter(EXPECTED, bytes, Size))
    }

    /// The answer that is kept, or what the server says.
    pub(super) async fn or_sent(
        &self,
        request: &HttpRequest,
        keep: HttpKeep,
        now: Now,
        (sender, until): (&HttpSender, Instant),
    ) -> Result<HttpResponse, HttpFailure> {
        let Some(kept) = self.0.get(request.key()) else {
            return self.sent(request, keep, now, sender.send(request, until).await);
        };
        if now.unix_ns < kept.expires_ns {
            return Ok(kept.response.clone());
        }
        let revalidating = revalidating(request, &kept.response);
        let revalidated = match &revalidating {
            None => None,
            Some(revalidating) => Some(sender.send(revalidating, until).await),
        };
        self.0.remove(request.key());
        match revalidated.transpose()? {
            Some(answer) if answer.status_code == 304 => {
                let mut response = kept.response.clone();
                merge(&mut response, &answer);
                let expires_ns = expiry(keep, now, &answer).map_err(HttpFailure::Broken)?;
                self.insert(request, response.clone(), expires_ns);
                Ok(response)
            }
            Some(answer) if answer.status_code == 200 => self.sent(request, keep, now, Ok(answer)),
            _ => self.sent(request, keep, now, sender.send(request, until).await),
        }
    }

    fn sent(
        &self,
        request: &HttpRequest,
        keep: HttpKeep,
        now: Now,
        answer: Result<HttpResponse, HttpFailure>,
    ) -> Result<HttpResponse, HttpFailure> {
        let response = answer?;
        let may_be_kept = matches!(keep, HttpKeep::For { .. })
            || !directives(&response).any(|(name, _)| name == "no-store");
        if may_be_kept
            && CACHEABLE.contains(&response.status_code)
            && let Ok(expires_ns) = expiry(keep, now, &response)
        {
            self.insert(request, response.clone(), expires_ns);
        }
        Ok(response)
    }

    fn insert(&self, request: &HttpRequest, response: HttpResponse, expires_ns: i64) {
        let answer = Answer { response, expires_ns };
        self.0.insert(request.key().clone(), Arc::new(answer));
    }
}

/// The same request, asking whether what was answered still holds; none where the answer has neither tag nor date.
fn revalidating(request: &HttpRequest, answer: &HttpResponse) -> Option<HttpRequest> {
    let validators = [("etag", "if-none-match"), ("last-modified", "if-modified-since")];
    let validators = validators.map(|(name, asked)| header(answer, name).map(|value| (asked, value)));
    if validators.iter().all(Option::is_none) {
        return None;
    }
    let mut request = request.clone();
    for (name, value) in validators.into_iter().flatten() {
        request
            .headers
            .retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    Some(request)
}

/// What a 304 says takes the place of what was said.
fn merge(response: &mut HttpResponse, answer: &HttpResponse) {
    let is_said = |name: &str| {
        answer
            .headers
            .iter()
            .any(|(said, _)| said.eq_ignore_ascii_case(name))
    };
    response.headers.retain(|(name, _)| !is_said(name));
    response.headers.extend(answer.headers.iter().cloned());
}

/// Until when an answer holds. In OPA what nothing is said of is kept, and asked about each time.
fn expiry(keep: HttpKeep, now: Now, response: &HttpResponse) -> Result<i64, String> {
    if let HttpKeep::For { seconds } = keep {
        return Ok(now.unix_ns.saturating_add(nanoseconds(seconds.into())));
    }
    let max_age = directives(response).filter(|(name, _)| *name == "max-age").last();
    let Some((_, max_age)) = max_age else {
        let expires = header(response, "expires").and_then(date);
        return Ok(expires.unwrap_or(i64::MIN));
    };
    let invalid = || format!("max-age: {max_age:?} is no number of seconds");
    let is_number = !max_age.is_empty() && max_age.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err(invalid());
    }
    // As Go does with what is too large.
    let seconds = max_age.parse::<i64>().unwrap_or(i64::MAX).min(i32::MAX.into());
    let created = header(response, "date").ok_or("no date header")?;
    let created = date(created).ok_or_else(|| format!("date: {created:?} is no date"))?;
    Ok(created.saturating_add(nanoseconds(seconds)))
}

fn nanoseconds(seconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000)
}

/// The first header of that name.
fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
    let mut found = response
        .headers
        .iter()
        .filter(|(given, _)| given.eq_ignore_ascii_case(name));
    let value = found.next().map(|(_, value)| value.as_str());
    value.filter(|value| !value.is_empty())
}

/// `Cache-Control` as OPA reads it: names as they are written, nothing of what has two equals signs.
fn directives(response: &HttpResponse) -> impl Iterator<Item = (&str, &str)> {
    let value = header(response, "cache-control").unwrap_or_default();
    let parts = value.split(',').map(|part| part.trim_matches(' '));
    parts
        .filter(|part| !part.is_empty())
        .filter_map(|part| match part.split_once('=') {
            None => Some((part, "")),
            Some((_, value)) if value.contains('=') => None,
            Some((name, value)) => Some((name.trim_matches(' '), value)),
        })
}

/// A date of HTTP, in nanoseconds since 1970.
fn date(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
