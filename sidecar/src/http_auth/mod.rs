//! The decision for proxies that ask over HTTP: Envoy's raw HTTP ext_authz service, Traefik's forwardAuth and Caddy's
//! forward_auth, nginx's auth_request. The same pipeline as for Envoy over gRPC; what these forms can't say is refused rather
//! than left out.
//!
//! | file | job |
//! |---|---|
//! | `original` | what the client asked for, as the proxy tells it |
//! | `view` | that as the decision reads it |
//! | `answer` | the decision as each proxy understands it |
//! | `server` | connections, bounds, deadlines; who may ask |

mod answer;
mod original;
mod server;
mod view;

use serde::Deserialize;

use postern_config::Listen;
use postern_decide::routes::AddressRange;

pub(crate) use server::HttpAuthServer;

/// Which proxies ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Envoy's `http_service`: it sends the request itself, without its body unless told to send that too.
    Envoy,
    /// Traefik's forwardAuth and Caddy's forward_auth: they tell it in `X-Forwarded-*`.
    Forward,
    /// nginx's auth_request: its configuration tells it in `X-Original-*`.
    Nginx,
}

impl Mode {
    /// Whether this proxy takes an answer with `status` for a refusal: not for leave, and not for a failure of ours that
    /// it may be told to overlook.
    const fn reads_as_refusal(self, status: u16) -> bool {
        match self {
            Self::Envoy => matches!(status, 300..=499),
            Self::Forward => matches!(status, 300..=599),
            Self::Nginx => matches!(status, 401 | 403),
        }
    }
}

/// Where, how and for whom this is served.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HttpAuthPlan {
    /// Sockets.
    pub(crate) listen: Vec<Listen>,
    /// Which proxies ask.
    pub(crate) mode: Mode,
    /// Who may ask over TCP. Whoever can open the Unix socket may.
    pub(crate) trusted_peers: Vec<AddressRange>,
    /// Connections at once.
    pub(crate) max_connections: usize,
}
