//! The configuration file, key by key. Types and defaults only; what a value must mean is checked beside.

use std::path::PathBuf;

use postern_config::Listen;
use postern_decide::{HeaderPrefix, Settings};
use postern_policy::bundle::VerificationSection;
use serde::Deserialize;

use super::dpop::SharedDpop;
use super::http_auth::HttpAuth;
use super::http_send::HttpSend;
use super::issuers::File as Issuer;
use super::overload::Overload;
use super::routes::Route;
use crate::decision_log::LogDecisions;

/// `postern-sidecar --config FILE`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Folder for the last good keys and policy; made if it isn't there. Relative paths, here and below, start from the
    /// folder of this file.
    pub data_dir: PathBuf,
    /// Where Envoy asks.
    pub ext_authz: ExtAuthz,
    /// Where other proxies ask, over HTTP. Without it, nobody does.
    pub http_auth: Option<HttpAuth>,
    /// Where operators and Prometheus ask.
    pub admin: Admin,
    /// `realm` of `WWW-Authenticate`. Default `postern`.
    #[serde(default = "realm")]
    pub realm: String,
    /// Prefix of the headers that tell the upstream who called; none that a client sends under it gets through. Lower
    /// case, ends with a dash. Default `x-postern-`.
    #[serde(default = "header_prefix")]
    pub header_prefix: String,
    /// Memory for verified tokens, in MiB, 1 to 4096. Default 8.
    #[serde(default = "token_cache_mib")]
    pub token_cache_mib: u64,
    /// Which decisions are logged: `all`, `denied` or `none`. Default `denied`.
    #[serde(default)]
    pub log_decisions: LogDecisions,
    /// The decisions that are kept in memory.
    #[serde(default)]
    pub decisions: Decisions,
    /// The issuers whose tokens are accepted, each named once; at least one where any are.
    #[serde(default)]
    pub issuers: Vec<Issuer>,
    /// What is asked of which requests: the first route that a request meets counts, one that meets none is refused
    /// (`no_route`).
    /// Default: one route, `default`, that takes every request and accepts a token of any issuer.
    pub routes: Option<Vec<Route>>,
    /// What all routes share of DPoP.
    #[serde(default)]
    pub dpop: SharedDpop,
    /// How much is taken on at once, and what is said beyond.
    #[serde(default)]
    pub overload: Overload,
    /// The policy that decides. May be left out where every route says `policy: off`.
    pub policy: Option<Policy>,
    /// The control plane that tells when something changes. Without it, changes are found by polling.
    pub control_plane: Option<ControlPlane>,
}

/// Where Envoy asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtAuthz {
    /// Each `unix:/path` (mode 0660) or `address:port`.
    pub listen: Vec<Listen>,
    /// Threads that decide, 1 to 64. Default 1.
    #[serde(default = "workers")]
    pub workers: u64,
    /// Connections at once over all listeners, 1 to 65536; further ones wait to be accepted. Default 1024.
    #[serde(default = "max_connections")]
    pub max_connections: u64,
    /// Most headers that Envoy lets a request have (`max_headers_count`), 10 to 10000: what would have more with ours is
    /// refused with 431 `headers_too_many`, where Envoy would answer 500. Default 100, as Envoy's.
    #[serde(default = "max_headers")]
    pub max_headers: u64,
    /// Whether gRPC server reflection is served there, for tools such as grpcurl. Default false.
    #[serde(default)]
    pub reflection: bool,
}

/// Where operators and Prometheus ask: /healthz, /readyz, /metrics, /snapshot, /config, /decisions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// `address:port` or `unix:/path`. Whoever reaches it is answered: no secrets, but the configuration and, unless
    /// `decisions.keep` is 0, who called.
    pub listen: Listen,
    /// Names by which it is asked over TCP (`Host`), such as `sidecar.shop.svc`, beside `localhost` and any address; whoever asks
    /// by another is told `misdirected_request`, since a web page could have led a browser here. Default none.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// The decisions that are kept in memory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// How many of the last decisions are kept for `postern explain`, 0 to 1000000; some 500 bytes each. They name callers
    /// and paths, and whoever reaches the admin listener can read them; 0 keeps none. Default 1000.
    #[serde(default = "keep_decisions")]
    pub keep: u64,
}

impl Default for Decisions {
    fn default() -> Self {
        Self {
            keep: keep_decisions(),
        }
    }
}

/// The policy that decides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The bundle's name, for logs, metrics and hints.
    pub bundle: String,
    /// Where it is served, by OPA's bundle API; http or https. Or a file of this machine, `file:///bundles/orders.tar.gz`, which is
    /// looked at every `poll_seconds`.
    pub url: String,
    /// A file with the credential that the server wants, sent as `Authorization: Bearer`.
    pub credential_file: Option<PathBuf>,
    /// The rule that is asked, such as `orders/authz/decision`.
    pub entrypoint: String,
    /// The keys of which one must have signed the bundle. Needed unless `allow_unsigned` is true.
    pub verification: Option<VerificationSection>,
    /// Accept bundles that nobody signed: then whoever can answer under `url` decides. Default false.
    #[serde(default)]
    pub allow_unsigned: bool,
    /// How often the bundle is asked for where the server doesn't hold requests, in seconds, 1 to 86400. Default 30.
    #[serde(default = "poll_seconds")]
    pub poll_seconds: u64,
    /// How long the server is asked to hold a request while nothing changes, in seconds, 1 to 600. Default 55.
    #[serde(default = "long_poll_seconds")]
    pub long_poll_seconds: u64,
    /// OPA's program, which compiles bundles that come with Rego and no plan that may run, in the background: a path, or a
    /// name that is looked for in `PATH` (`opa`). What it makes is kept in the data folder. Default: such bundles are refused.
    pub opa: Option<PathBuf>,
    /// What it may ask over HTTP (`http.send`). Default: nothing.
    pub http_send: Option<HttpSend>,
    /// How much one evaluation may take; what takes more is stopped, and denied with 500 `policy_timeout`.
    #[serde(default)]
    pub limits: PolicyLimits,
    /// What it answered is remembered for who asks the same.
    #[serde(default)]
    pub cache: PolicyCache,
    /// Another policy that decides nothing, put beside this one to see what it would change. What isn't said of it here is as
    /// for this one. Default: none.
    pub candidate: Option<PolicyCandidate>,
}

/// A policy beside the one in force. A share of the decisions is evaluated with it as well, once their answers are gone, on a
/// thread that gives way to everything else; `/candidate` of admin and metrics tell what would have been otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyCandidate {
    /// The bundle's name, another than the policy's.
    pub bundle: String,
    /// Where it is served, by OPA's bundle API, http or https; or a file of this machine, `file:///…`.
    pub url: String,
    /// A file with the credential that the server wants, sent as `Authorization: Bearer`. Default: none, whatever the policy's.
    pub credential_file: Option<PathBuf>,
    /// The rule that is asked. Default: the policy's.
    pub entrypoint: Option<String>,
    /// How many of a million decisions are compared, 1 to 1000000. Default 10000.
    #[serde(default = "sample_per_million")]
    pub sample_per_million: u64,
}

/// How much of what the policy answered is remembered. An answer is given again where the same is asked: all that the policy
/// can read of the request is the same, and nothing else that its answer depends on has changed. `/snapshot` of admin says
/// whether a policy's answers are remembered, and why not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyCache {
    /// So many answers at most, 10 to 1000000; 0 remembers none. Default 10000.
    pub entries: u64,
    /// About so much memory at most, in MiB, 1 to 1024. Default 4.
    pub mib: u64,
    /// For how long an answer is remembered that doesn't say so itself (`postern.cache_seconds`), in seconds, 1 to 86400.
    /// Default 300.
    pub ttl_seconds: u64,
}

impl Default for PolicyCache {
    fn default() -> Self {
        Self {
            entries: 10_000,
            mib: 4,
            ttl_seconds: 300,
        }
    }
}

/// Bounds of one evaluation of policy. Beyond them it is stopped, and the request is denied with 500 `policy_timeout`; the
/// next one is decided as if nothing had happened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyLimits {
    /// How long it may run, in milliseconds, 1 to 60000; less than Envoy waits for the answer. Default 100.
    pub milliseconds: u64,
    /// What it may build, in MiB, 1 to 4096; data and request aren't counted, and what it drops again is. Default 64.
    pub memory_mib: u64,
    /// Statements it may execute, with the work of builtins counted as statements, 1000 to 1000000000. Default 10000000.
    pub statements: u64,
}

impl Default for PolicyLimits {
    fn default() -> Self {
        Self {
            milliseconds: 100,
            memory_mib: 64,
            statements: 10_000_000,
        }
    }
}

/// The control plane.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlPlane {
    /// Its gRPC endpoint, `http://address:port`.
    pub grpc: String,
    /// A file with the credential that it knows this sidecar by.
    pub credential_file: Option<PathBuf>,
}

fn realm() -> String {
    "postern".to_owned()
}

fn header_prefix() -> String {
    HeaderPrefix::DEFAULT.to_owned()
}

const fn token_cache_mib() -> u64 {
    8
}

const fn keep_decisions() -> u64 {
    1000
}

const fn workers() -> u64 {
    1
}

fn max_headers() -> u64 {
    Settings::DEFAULT_MAX_UPSTREAM_HEADERS as u64
}

const fn max_connections() -> u64 {
    1024
}

const fn sample_per_million() -> u64 {
    10_000
}

fn poll_seconds() -> u64 {
    30
}

const fn long_poll_seconds() -> u64 {
    55
}
