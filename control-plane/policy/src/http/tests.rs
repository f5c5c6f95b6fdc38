//! The bundle API as OPA and the sidecar use it. Where time must pass it is tokio's, paused: nothing waits for a clock.

use axum::http::Request;
use axum::http::header::IF_NONE_MATCH;
use postern_store::SystemEntropy;
use tokio::time::timeout;
use tower::ServiceExt;

use super::*;
use crate::service::tests::{House, archive, house, name};

/// Nothing here takes this long; it keeps a broken test from hanging.
const PATIENCE: Duration = Duration::from_secs(30);

struct Api {
    house: House,
    api: BundleApi,
    closing: CancellationToken,
}

async fn api() -> Api {
    let house = house().await;
    let closing = CancellationToken::new();
    let api = BundleApi::new(house.policies.clone(), closing.clone(), Arc::new(SystemEntropy));
    Api { house, api, closing }
}

impl Api {
    async fn publish(&self, revision: &str) -> String {
        let archive = archive(revision, &self.house.signer);
        self.house
            .policies
            .publish(name("demo"), archive)
            .await
            .unwrap()
            .etag
            .clone()
    }

    fn get(&self, headers: &[(&str, &str)]) -> impl Future<Output = Response<Body>> + use<> {
        let mut request = Request::get("/bundles/demo");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = router(self.api.clone()).oneshot(request.body(Body::empty()).unwrap());
        async { answer.await.unwrap() }
    }

    /// Waits until so many requests are held.
    async fn held(&self, count: usize) {
        let held = async {
            while self.api.waiting() != count {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, held).await.expect("held");
    }
}

#[tokio::test]
async fn a_bundle_is_served_with_its_tag_and_only_once_to_whoever_has_it() {
    let api = api().await;
    assert_eq!(api.get(&[]).await.status(), 404);
    let etag = format!("\"{}\"", api.publish("r1").await);
    let full = api.get(&[]).await;
    assert_eq!(full.status(), 200);
    assert_eq!(full.headers()[ETAG], etag.as_str());
    assert_eq!(full.headers()[CONTENT_TYPE], ARCHIVE_TYPE);
    let body = axum::body::to_bytes(full.into_body(), usize::MAX).await.unwrap();
    assert_eq!(body, archive_of(&api));

    let again = api.get(&[(IF_NONE_MATCH.as_str(), &etag)]).await;
    assert_eq!(again.status(), 304);
    assert_eq!(again.headers()[ETAG], etag.as_str());
}

fn archive_of(api: &Api) -> bytes::Bytes {
    api.house
        .policies
        .catalog()
        .bundle(&name("demo"))
        .unwrap()
        .archive
        .clone()
}

#[tokio::test]
async fn an_unknown_or_impossible_name_is_a_problem_document_at_once() {
    let api = api().await;
    for path in ["/bundles/none", "/bundles/No%20Name", "/bundles/%ff"] {
        let request = Request::get(path)
            .header("prefer", "wait=60")
            .header(X_REQUEST_ID, "test-1");
        let answer = router(api.api.clone())
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert!(
            matches!(answer.status().as_u16(), 400 | 404),
            "{path}: {}",
            answer.status()
        );
    }
}

#[tokio::test]
async fn without_the_current_tag_nothing_is_held() {
    let api = api().await;
    api.publish("r1").await;
    for headers in [
        &[("prefer", "wait=60")][..],
        &[("prefer", "wait=60"), ("if-none-match", "\"old\"")],
    ] {
        let answer = api.get(headers).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[CONTENT_TYPE], LONG_POLL_TYPE);
    }
}

#[tokio::test]
async fn a_held_request_wakes_when_the_bundle_changes() {
    let api = api().await;
    let old = format!("\"{}\"", api.publish("r1").await);
    let held = tokio::spawn(api.get(&[
        ("prefer", "modes=snapshot,delta;wait=300"),
        ("if-none-match", &old),
    ]));
    api.held(1).await;
    let new = format!("\"{}\"", api.publish("r2").await);
    let answer = timeout(PATIENCE, held).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[ETAG], new.as_str());
    assert_eq!(answer.headers()[CONTENT_TYPE], LONG_POLL_TYPE);
    assert_eq!(api.api.waiting(), 0);
}

#[tokio::test]
async fn another_bundle_does_not_wake_it_and_after_its_time_it_is_told_that_nothing_changed() {
    let api = api().await;
    let etag = format!("\"{}\"", api.publish("r1").await);
    let held = tokio::spawn(api.get(&[("prefer", "wait=60"), ("if-none-match", &etag)]));
    api.held(1).await;
    let other = archive("r1", &api.house.signer);
    api.house.policies.publish(name("other"), other).await.unwrap();
    // Paused time moves only when no task has anything left to do: whoever that woke has looked.
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(!held.is_finished());
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(held.await.unwrap().status(), 304);
}

#[tokio::test]
async fn closing_ends_every_held_request() {
    let api = api().await;
    let etag = format!("\"{}\"", api.publish("r1").await);
    let held: Vec<_> = (0..3)
        .map(|_| tokio::spawn(api.get(&[("prefer", "wait=300"), ("if-none-match", &etag)])))
        .collect();
    api.held(3).await;
    api.closing.cancel();
    for held in held {
        assert_eq!(timeout(PATIENCE, held).await.unwrap().unwrap().status(), 304);
    }
}

#[tokio::test]
async fn there_is_a_bound_to_held_requests() {
    let api = api().await;
    let etag = format!("\"{}\"", api.publish("r1").await);
    let _all = api
        .api
        .waiters
        .try_acquire_many(u32::try_from(MAX_WAITERS).unwrap())
        .unwrap();
    let answer = api.get(&[("prefer", "wait=300"), ("if-none-match", &etag)]).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
}
