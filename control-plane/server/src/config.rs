//! The configuration file: what each key means, and the checks that turn it into [`Settings`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use postern_config::{ConfigError, Document, Listen};
use postern_jose::Algorithm;
use postern_policy::Verification;
use postern_policy::bundle::VerificationSection;
use postern_policy_service::PolicySettings;
use serde::Deserialize;

mod compile;
use url::Url;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Folder for the database, the seal key and the credentials. Made (0700) where there is none.
    data_dir: PathBuf,
    /// The HTTP side: token endpoint, key set, metadata, bundles, health, metrics.
    http: Address,
    /// The gRPC side: the services of `proto/postern`.
    grpc: Address,
    /// The issuer (`iss`) of every token: the URL under which clients reach the HTTP side, without a path (not even a
    /// trailing slash), since its metadata is served at the root only.
    /// Default: `http://` and the address of `http.listen`.
    issuer: Option<String>,
    /// How tokens are made.
    #[serde(default)]
    token: Token,
    /// Which policy bundles are accepted and kept.
    policy: Policy,
}

/// Where to listen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    /// `address:port`; port 0 lets the system choose one, which the log names.
    listen: Listen,
}

/// How tokens are made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Token {
    /// How long an access token is valid, in seconds: 30 to 86400. Default 900.
    ttl_seconds: u32,
    /// What tokens are signed with: ES256, ES384, ES512, EdDSA, RS256, … Default ES256.
    algorithm: Algorithm,
}

impl Default for Token {
    fn default() -> Self {
        Self {
            ttl_seconds: 900,
            algorithm: Algorithm::ES256,
        }
    }
}

/// Which policy bundles are accepted and kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    /// The keys of which one must have signed a bundle. Needed unless `allow_unsigned` is true.
    verification: Option<VerificationSection>,
    /// Accept bundles whoever made them. Default false.
    #[serde(default)]
    allow_unsigned: bool,
    /// How many revisions of each bundle are kept: 1 to 1000. Where the newest can't be loaded at a start, the next
    /// older one is served. Default 10.
    #[serde(default = "ten")]
    keep_revisions: u32,
    /// How bundles are compiled that come with Rego and no plan that may run, so that no sidecar needs a compiler. Default:
    /// they are refused.
    compile: Option<Compile>,
}

/// The compiler of policies, and what it makes is signed with: the signature that a bundle came with doesn't fit any more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Compile {
    /// OPA's program: a path, or a name that is looked for in `PATH` (`opa`).
    opa: PathBuf,
    /// The id by which sidecars know the key: one of their `policy.verification.keys`. Default: the key's RFC 7638 thumbprint.
    key_id: Option<String>,
    /// The private key, a PEM file (`PRIVATE KEY`), readable by this process alone. Needed unless `allow_unsigned` is true.
    signing_key_file: Option<PathBuf>,
}

fn ten() -> u32 {
    10
}

/// What the process runs with; every value was checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    /// `None`: the address that HTTP turns out to listen on.
    pub(crate) issuer: Option<String>,
    pub(crate) ttl_seconds: u32,
    pub(crate) algorithm: Algorithm,
    pub(crate) policy: PolicySettings,
}

impl Settings {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// One line that names file, line, key, what was expected and what to do.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let document = Document::load(path)?;
        let file: File = document.read()?;
        let http = tcp(&document, "http", &file.http.listen)?;
        let grpc = tcp(&document, "grpc", &file.grpc.listen)?;
        let issuer = file
            .issuer
            .map(|issuer| check_issuer(&document, issuer))
            .transpose()?;
        if issuer.is_none() && http.ip().is_unspecified() {
            return Err(document.invalid(
                &["http", "listen"],
                "an address that clients can reach is needed to make `issuer` from; set `issuer`",
            ));
        }
        if !(30..=86_400).contains(&file.token.ttl_seconds) {
            return Err(document.invalid(&["token", "ttl_seconds"], "expected 30 to 86400 seconds"));
        }
        if !(1..=1_000).contains(&file.policy.keep_revisions) {
            return Err(document.invalid(&["policy", "keep_revisions"], "expected 1 to 1000"));
        }
        let data_dir = document.resolve(&file.data_dir);
        let mut verification = verification(&document, &file.policy)?;
        let compile = file
            .policy
            .compile
            .as_ref()
            .map(|compile| compile::checked(&document, compile, &data_dir, &mut verification))
            .transpose()?;
        Ok(Self {
            data_dir,
            http,
            grpc,
            issuer,
            ttl_seconds: file.token.ttl_seconds,
            algorithm: file.token.algorithm,
            policy: PolicySettings {
                verification,
                keep_revisions: file.policy.keep_revisions,
                compile,
            },
        })
    }
}

fn tcp(document: &Document, section: &str, listen: &Listen) -> Result<SocketAddr, ConfigError> {
    match listen {
        Listen::Tcp(address) => Ok(*address),
        Listen::Unix(_) => Err(document.invalid(
            &[section, "listen"],
            "expected address:port, such as 127.0.0.1:8080",
        )),
    }
}

/// An issuer is a URL without query and fragment (RFC 8414 §2). One with a path would have its metadata at
/// `/.well-known/oauth-authorization-server/<path>` (§3), where we serve none.
fn check_issuer(document: &Document, issuer: String) -> Result<String, ConfigError> {
    let url = Url::parse(&issuer).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if url.is_some() && !issuer.ends_with('/') {
        Ok(issuer)
    } else {
        let expected = "expected an http or https URL without path, trailing slash, query, fragment and user, \
            such as https://auth.example.com";
        Err(document.invalid(&["issuer"], expected))
    }
}

fn verification(document: &Document, policy: &Policy) -> Result<Verification, ConfigError> {
    Verification::configured(policy.verification.as_ref(), policy.allow_unsigned, |path| {
        let path = document.resolve(path);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    })
    .map_err(|error| {
        let mut key = vec!["policy"];
        key.extend(error.key.iter().map(String::as_str));
        document.invalid(&key, error.message.as_str())
    })
}

#[cfg(test)]
mod tests;
