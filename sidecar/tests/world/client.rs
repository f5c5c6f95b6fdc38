//! Asks as Envoy does: `CheckRequest`s over a Unix socket or TCP, headers raw or as a map.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};
use serde_json::Value as Json;
use tonic::transport::{Channel, Endpoint};

use super::Config;

#[derive(Clone)]
pub(crate) struct Client {
    authorization: AuthorizationClient<Channel>,
    pub(crate) channel: Channel,
}

/// What came back, flattened.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 200 where the request goes on, else what the client gets.
    pub(crate) status: i32,
    /// For the upstream where the request goes on, else for the client.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) removed: Vec<String>,
    pub(crate) response_headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) async fn over_unix(config: &Config) -> Self {
        Self::connect(&format!("unix:{}", config.socket().display())).await
    }

    pub(crate) async fn over_tcp(config: &Config) -> Self {
        Self::connect(&format!("http://{}", config.tcp())).await
    }

    async fn connect(uri: &str) -> Self {
        let channel = Endpoint::from_shared(uri.to_owned())
            .unwrap()
            .connect()
            .await
            .unwrap();
        Self {
            authorization: AuthorizationClient::new(channel.clone()),
            channel,
        }
    }

    /// GET `path` with this token, headers raw.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(
            "GET",
            path,
            &[("authorization", &format!("Bearer {token}"))],
            true,
        )
        .await
    }

    /// The status that a GET of `path` with this token fails with.
    #[allow(dead_code, reason = "each test takes what it needs")]
    pub(crate) async fn failing(&self, path: &str, token: &str) -> tonic::Status {
        let headers = [("authorization", format!("Bearer {token}"))];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        let http = HttpRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: headers.into(),
            ..Default::default()
        };
        let request = Request {
            time: None,
            http: Some(http),
        };
        let attributes = AttributeContext {
            request: Some(request),
            ..Default::default()
        };
        let asked = CheckRequest {
            attributes: Some(attributes),
        };
        self.authorization.clone().check(asked).await.unwrap_err()
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], raw: bool) -> Answer {
        let mut http = HttpRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            size: -1,
            ..Default::default()
        };
        if raw {
            let header = |(key, value): &(&str, &str)| HeaderValue {
                key: (*key).to_owned(),
                raw_value: value.as_bytes().to_vec(),
                ..Default::default()
            };
            http.header_map = Some(HeaderMap {
                headers: headers.iter().map(header).collect(),
            });
        } else {
            http.headers = headers
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
        }
        let request = Request {
            time: None,
            http: Some(http),
        };
        let attributes = AttributeContext {
            request: Some(request),
            ..Default::default()
        };
        let response = self
            .authorization
            .clone()
            .check(CheckRequest {
                attributes: Some(attributes),
            })
            .await
            .unwrap();
        flatten(response.into_inner())
    }
}

fn flatten(response: CheckResponse) -> Answer {
    let allowed = response.status.unwrap().code == 0;
    match response.http_response.unwrap() {
        HttpResponse::OkResponse(ok) if allowed => Answer {
            status: 200,
            headers: map(ok.headers),
            removed: ok.headers_to_remove,
            response_headers: map(ok.response_headers_to_add),
            body: String::new(),
        },
        HttpResponse::DeniedResponse(denied) if !allowed => Answer {
            status: denied.status.unwrap().code,
            headers: map(denied.headers),
            removed: Vec::new(),
            response_headers: HashMap::new(),
            body: denied.body,
        },
        other => panic!("status and response disagree: {other:?}"),
    }
}

fn map(options: Vec<HeaderValueOption>) -> HashMap<String, String> {
    options
        .into_iter()
        .filter_map(|option| option.header)
        .map(|header| (header.key, header.value))
        .collect()
}
