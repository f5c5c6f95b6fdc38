//! How long tokens are kept, and what is said of an endpoint that gives none.

use std::sync::{Arc, Mutex as Lock};

use axum::Router;
use axum::http::StatusCode;

use super::*;
use crate::opa::machine::Machine;
use crate::random::Randomness;

type Answers = Arc<Lock<Vec<(u16, &'static str)>>>;

/// A source whose endpoint gives these answers, the last one first, and then none.
async fn source(answers: Vec<(u16, &'static str)>) -> (TokenSource, Answers) {
    let answers: Answers = Arc::new(Lock::new(answers));
    let left = Arc::clone(&answers);
    let answer = move || {
        let (status, body) = left.lock().unwrap().pop().unwrap();
        async move {
            let elsewhere = [("location", "/elsewhere")];
            (StatusCode::from_u16(status).unwrap(), elsewhere, body)
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let router = Router::new().route("/token", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let configured = OAuth2 {
        token_url: url,
        grant: Grant::ClientSecret {
            client_id: "c".to_owned(),
            client_secret: "s3cr3t".to_owned().into(),
        },
        scopes: Vec::new(),
        additional_headers: Vec::new(),
        additional_parameters: Vec::new(),
    };
    let around = Around {
        host: Arc::new(Machine),
        randomness: Arc::new(Randomness::from_system().unwrap()),
        min_tls: postern_opa_config::MinTls::Tls12,
    };
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    (
        TokenSource::new(&configured, &Keys::new(), client, around).unwrap(),
        answers,
    )
}

const LASTING: &str = r#"{"access_token":"lasting","token_type":"bearer","expires_in":3600}"#;
const SHORT: &str = r#"{"access_token":"short","token_type":"bearer","expires_in":9}"#;

#[tokio::test]
async fn a_token_is_kept_until_it_is_about_to_expire() {
    let (source, left) = source(vec![(200, LASTING), (200, SHORT), (200, SHORT)]).await;
    for wanted in [
        "Bearer short",
        "Bearer short",
        "Bearer lasting",
        "Bearer lasting",
        "Bearer lasting",
    ] {
        let value = source.authorization().await.unwrap();
        assert_eq!(value, wanted);
        assert!(value.is_sensitive());
    }
    assert!(left.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_endpoint_that_gives_none_is_named_without_what_was_sent() {
    let refusals = vec![
        (200, LASTING),
        (307, ""),
        (200, "s3cr3t"),
        (401, r#"{"error":"invalid_client","error_description":"s3cr3t"}"#),
    ];
    let (source, _) = source(refusals).await;
    for wanted in [
        "it answered 401 (invalid_client)",
        "isn't the JSON of a token",
        "it answered 307",
    ] {
        let problem = source.authorization().await.unwrap_err();
        assert!(problem.contains(wanted), "{problem}");
        assert!(
            problem.contains("/token") && !problem.contains("s3cr3t"),
            "{problem}"
        );
    }
    assert_eq!(source.authorization().await.unwrap(), "Bearer lasting");
}
