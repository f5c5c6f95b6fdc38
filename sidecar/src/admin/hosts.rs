//! Which names this listener answers to. A web page can have its own name resolve to this address (DNS rebinding) and its
//! visitors' browsers ask here then; what such a browser can't do is to name another host than the page's own. So the names
//! are those that no page can have: addresses, loopback's, and what the configuration adds.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use postern_telemetry::{Code, CorrelationId, Error, Problem};

/// The names that are answered to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Hosts {
    /// Over a Unix socket: no browser reaches it.
    Any,
    /// Addresses as they are written, `localhost`, and these, in lower case.
    Named(Arc<[String]>),
}

impl Hosts {
    /// Whether what the request names is one of them. A request that names none, or several, isn't anybody's browser, but
    /// nothing that has to be answered either.
    fn admit(&self, request: &Request) -> bool {
        let Self::Named(names) = self else {
            return true;
        };
        let mut fields = request.headers().get_all(HOST).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else {
            return false;
        };
        let field = field
            .to_str()
            .ok()
            .and_then(|host| host.parse::<Authority>().ok());
        let admits = |authority: &Authority| is_ours(authority, names);
        // In absolute form the target names the host as well (RFC 9112 §3.2.2).
        field.as_ref().is_some_and(admits) && request.uri().authority().is_none_or(admits)
    }
}

fn is_ours(authority: &Authority, names: &[String]) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok()
        || v6.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok())
        || names.iter().any(|name| name == host)
}

/// Refuses requests that name another host.
pub(super) async fn checked(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.admit(&request) {
        return next.run(request).await;
    }
    let error = Error::new(
        Code::MisdirectedRequest,
        "expected a Host header with an address, `localhost` or a name listed in `admin.hosts`",
    );
    let correlation_id = request.extensions().get::<CorrelationId>().cloned();
    match correlation_id {
        Some(correlation_id) => Problem::new(&error, &correlation_id).into_response(),
        None => StatusCode::MISDIRECTED_REQUEST.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn admitted(hosts: &[&str], uri: &str) -> bool {
        let names = ["sidecar.shop.svc".to_owned()];
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        Hosts::Named(names.into()).admit(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn addresses_loopbacks_name_and_configured_names_are_ours() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9192",
            "10.1.2.3:9192",
            "[::1]",
            "[::1]:9192",
            "localhost",
            "LocalHost:9192",
            "localhost.:9192",
            "sidecar.shop.svc",
            "SIDECAR.shop.svc.:80",
        ] {
            assert!(admitted(&[host], "/config"), "{host}");
        }
    }

    #[test]
    fn a_name_that_a_page_can_have_is_not_ours() {
        for host in [
            "attacker.example",
            "attacker.example:9192",
            "127.0.0.1.attacker.example",
            "localhost.attacker.example",
            "attacker@127.0.0.1",
            "127.0.0.1@attacker.example",
            "0x7f.1",
            "127.1",
            "[attacker.example]",
            "::1",
            "",
            "sidecar.shop.svc.cluster.local",
        ] {
            assert!(!admitted(&[host], "/config"), "{host}");
        }
    }

    #[test]
    fn one_host_is_named_and_the_target_names_no_other() {
        assert!(!admitted(&[], "/config"));
        assert!(!admitted(&["127.0.0.1", "127.0.0.1"], "/config"));
        assert!(!admitted(&["127.0.0.1"], "http://attacker.example/config"));
        assert!(!admitted(&["attacker.example"], "http://127.0.0.1/config"));
        assert!(admitted(&["127.0.0.1"], "http://localhost/config"));
        let anything = Request::new(Body::empty());
        assert!(Hosts::Any.admit(&anything), "a Unix socket");
    }
}
