//! A request as Envoy would describe it to the sidecar, and the connection to ask on.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context as _, bail};
use envoy_types::pb::envoy::{
    config::core::v3::{Address, SocketAddress, address, socket_address::PortSpecifier},
    service::auth::v3::{
        AttributeContext, CheckRequest, CheckResponse,
        attribute_context::{HttpRequest, Peer, Request},
        authorization_client::AuthorizationClient,
    },
};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::control_plane::innermost;

/// Of making the connection and of the check, each.
const DEADLINE: Duration = Duration::from_secs(5);

/// One HTTP request, to be decided.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    method: String,
    scheme: String,
    host: String,
    path: String,
    headers: Vec<(String, String)>,
}

impl Question {
    /// From what was typed: `target` is a path with its query or a whole URL.
    ///
    /// # Errors
    /// When it is neither.
    pub fn new(
        method: &str,
        target: &str,
        host: Option<&str>,
        headers: Vec<(String, String)>,
    ) -> anyhow::Result<Self> {
        let (scheme, url_host, path) = if target.starts_with('/') {
            ("http".to_owned(), None, target.to_owned())
        } else {
            let uri: Uri = target.parse().with_context(|| format!("`{target}` is no URL"))?;
            let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.authority()) else {
                bail!("`{target}`: expected a path that starts with `/`, or http://host/path");
            };
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            (scheme.to_owned(), Some(host.to_string()), path.to_owned())
        };
        Ok(Self {
            method: method.to_ascii_uppercase(),
            scheme,
            host: host
                .map(str::to_owned)
                .or(url_host)
                .unwrap_or_else(|| "localhost".to_owned()),
            path,
            headers,
        })
    }

    /// The message that Envoy would send.
    pub fn into_request(self) -> CheckRequest {
        let mut headers: HashMap<String, String> = HashMap::from([
            (":method".to_owned(), self.method.clone()),
            (":path".to_owned(), self.path.clone()),
            (":authority".to_owned(), self.host.clone()),
            (":scheme".to_owned(), self.scheme.clone()),
        ]);
        for (name, value) in self.headers {
            // Envoy joins repeats the same way.
            headers
                .entry(name)
                .and_modify(|seen| *seen = format!("{seen},{value}"))
                .or_insert(value);
        }
        let http = HttpRequest {
            id: "1".to_owned(),
            method: self.method,
            headers,
            path: self.path,
            host: self.host,
            scheme: self.scheme,
            protocol: "HTTP/1.1".to_owned(),
            ..HttpRequest::default()
        };
        CheckRequest {
            attributes: Some(AttributeContext {
                source: Some(loopback()),
                destination: Some(loopback()),
                request: Some(Request {
                    http: Some(http),
                    ..Request::default()
                }),
                ..AttributeContext::default()
            }),
        }
    }
}

fn loopback() -> Peer {
    let socket = SocketAddress {
        address: "127.0.0.1".to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(0)),
        ..SocketAddress::default()
    };
    Peer {
        address: Some(Address {
            address: Some(address::Address::SocketAddress(socket)),
        }),
        ..Peer::default()
    }
}

/// Connects to a sidecar at `unix:PATH` or `HOST:PORT`.
///
/// # Errors
/// When nobody listens there.
async fn connect(sidecar: &str) -> anyhow::Result<AuthorizationClient<Channel>> {
    let unreachable = |error: tonic::transport::Error| {
        anyhow::anyhow!("no sidecar answers at {sidecar}: {}", innermost(&error))
    };
    let channel = if let Some(path) = sidecar.strip_prefix("unix:") {
        let path = path.to_owned();
        let connector = tower::service_fn(move |_: Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        // The URI is never resolved; it only becomes `:authority`.
        let endpoint = Endpoint::from_static("http://sidecar")
            .timeout(DEADLINE)
            .connect_timeout(DEADLINE);
        endpoint
            .connect_with_connector(connector)
            .await
            .map_err(unreachable)?
    } else {
        let endpoint = Endpoint::from_shared(format!("http://{sidecar}"))
            .with_context(|| format!("--sidecar {sidecar}: expected unix:PATH or HOST:PORT"))?;
        endpoint
            .timeout(DEADLINE)
            .connect_timeout(DEADLINE)
            .connect()
            .await
            .map_err(unreachable)?
    };
    Ok(AuthorizationClient::new(channel))
}

/// Asks the sidecar once.
///
/// # Errors
/// When it can't be reached, or answers with a gRPC error.
pub async fn ask(sidecar: &str, request: CheckRequest) -> anyhow::Result<CheckResponse> {
    let mut client = connect(sidecar).await?;
    let answer = client
        .check(request)
        .await
        .map_err(|status| match status.code() {
            tonic::Code::InvalidArgument => {
                anyhow::anyhow!(
                    "the sidecar at {sidecar} can't take this question: {}",
                    status.message()
                )
            }
            _ => anyhow::anyhow!("the sidecar at {sidecar} did not answer: {}", innermost(&status)),
        })?;
    Ok(answer.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(target: &str, host: Option<&str>) -> (String, String) {
        let question = Question::new("get", target, host, Vec::new()).unwrap();
        assert_eq!(question.method, "GET");
        (question.host, question.path)
    }

    #[test]
    fn a_path_keeps_its_query_and_a_url_gives_its_host() {
        assert_eq!(
            question("/orders?x=1", None),
            ("localhost".into(), "/orders?x=1".into())
        );
        assert_eq!(
            question("http://shop.example:8000/a?b", None),
            ("shop.example:8000".into(), "/a?b".into())
        );
        assert_eq!(
            question("http://shop.example", None),
            ("shop.example".into(), "/".into())
        );
        assert_eq!(
            question("http://shop.example/a", Some("other")),
            ("other".into(), "/a".into())
        );
    }

    #[test]
    fn neither_a_path_nor_a_url_is_refused() {
        for wrong in ["orders", "shop.example/orders", "http://"] {
            assert!(Question::new("GET", wrong, None, Vec::new()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_message_has_the_pseudo_headers_and_joins_repeats_as_envoy_does() {
        let headers = vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())];
        let request = Question::new("POST", "/x", None, headers).unwrap().into_request();
        let http = request.attributes.unwrap().request.unwrap().http.unwrap();
        assert_eq!(http.headers[":method"], "POST");
        assert_eq!(http.headers[":path"], "/x");
        assert_eq!(http.headers["a"], "1,2");
    }
}
