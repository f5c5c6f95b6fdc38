//! The sidecar's configuration: what the file may say, and the domain types it becomes. Whatever is wrong with it is told
//! with file, line and key, before anything is started. Never filled in from the environment.

mod accept;
mod admin;
mod claims;
mod dpop;
mod file;
mod http_auth;
mod http_send;
mod introspection;
mod issuers;
mod overload;
mod peer;
mod policy;
mod routes;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use postern_config::{ConfigError, Document, Listen};
use postern_decide::{CacheLimits, HeaderPrefix, Routes, Settings};
use tonic::transport::Endpoint;

use routes::Surroundings;

pub(crate) use admin::AdminPlan;
pub use file::File;

use crate::decision_log::LogDecisions;
use crate::http_auth::HttpAuthPlan;
use crate::http_send::HttpSendPlan;
use crate::introspect::IntrospectionPlan;
use crate::overload::OverloadPlan;
use crate::reload::Origin;
use crate::sync::{BundlePlan, CandidatePlan, KeysPlan, KeysSource, StreamPlan};

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: Vec<Listen>,
    pub(crate) overload: OverloadPlan,
    pub(crate) workers: usize,
    pub(crate) reflection: bool,
    pub(crate) http_auth: Option<HttpAuthPlan>,
    pub(crate) admin: AdminPlan,
    pub(crate) settings: Settings,
    pub(crate) caches: CacheLimits,
    pub(crate) log_decisions: LogDecisions,
    pub(crate) keep_decisions: usize,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) routes: Arc<Routes>,
    /// `None` where no route asks one.
    pub(crate) policy: Option<Policy>,
    /// What is put beside it.
    pub(crate) candidate: Option<CandidatePlan>,
    /// `None` without a control plane.
    pub(crate) stream: Option<StreamPlan>,
    /// Where it was read from.
    pub(crate) origin: Origin,
    /// What stands in the file. No secret does: the file names the files that hold them.
    pub(crate) written: Arc<serde_json::Value>,
}

/// One issuer: where its keys are, and how they are kept fresh.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) source: KeysSource,
    pub(crate) plan: KeysPlan,
    /// How it is asked about tokens that are no JWTs, where it can be.
    pub(crate) introspection: Option<IntrospectionPlan>,
}

impl Issuer {
    /// Its `iss`.
    pub(crate) fn name(&self) -> &str {
        &self.plan.rules.expectations.issuer
    }
}

/// The policy: where bundles come from, and what they must be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Policy {
    pub(crate) url: String,
    pub(crate) credential_file: Option<PathBuf>,
    pub(crate) plan: BundlePlan,
    /// `None` where policies may not call `http.send`.
    pub(crate) http_send: Option<HttpSendPlan>,
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// One line: file, line, key, what was expected.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let origin = Origin::of(path);
        Self::of(&Document::load(path)?, origin)
    }

    fn of(document: &Document, origin: Origin) -> Result<Self, ConfigError> {
        let file: File = document.read()?;
        let written = document.read()?;
        if file.ext_authz.listen.is_empty() {
            return Err(document.invalid(
                &["ext_authz", "listen"],
                "expected at least one of unix:/path and address:port",
            ));
        }
        let mut listen = Vec::with_capacity(file.ext_authz.listen.len());
        for (index, address) in file.ext_authz.listen.into_iter().enumerate() {
            listen.push(resolved(
                document,
                &["ext_authz", "listen", &index.to_string()],
                address,
            )?);
        }
        let workers = within(document, &["ext_authz", "workers"], file.ext_authz.workers, 1, 64)?;
        let connections = &["ext_authz", "max_connections"];
        let max_connections = within(document, connections, file.ext_authz.max_connections, 1, 65_536)?;
        let headers = &["ext_authz", "max_headers"];
        let max_headers = within(document, headers, file.ext_authz.max_headers, 10, 10_000)?;
        if file.realm.is_empty() || !file.realm.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(document.invalid(&["realm"], "expected printable ASCII, such as `postern`"));
        }
        let prefix = HeaderPrefix::new(&file.header_prefix)
            .map_err(|error| document.invalid(&["header_prefix"], error.to_string()))?;
        let (policy, candidate) = match file.policy {
            Some(policy) => {
                let (policy, candidate) = policy::checked(document, policy)?;
                (Some(policy), candidate)
            }
            None => (None, None),
        };
        let issuers = issuers::checked(document, file.issuers)?;
        let surroundings = Surroundings {
            issuers: &issuers,
            control_plane: file.control_plane.is_some(),
            policy: policy.is_some(),
            http_send: policy.as_ref().is_some_and(|policy| policy.http_send.is_some()),
        };
        let routes = Arc::new(routes::checked(document, file.routes, &surroundings)?);
        let token_bytes = within(document, &["token_cache_mib"], file.token_cache_mib, 1, 4096)? << 20;
        let stream = match file.control_plane {
            Some(control_plane) => {
                let bundle = policy.as_ref().map_or("", |policy| policy.plan.name.as_str());
                Some(stream(document, control_plane, bundle)?)
            }
            None => None,
        };
        Ok(Self {
            data_dir: document.resolve(&file.data_dir),
            listen,
            overload: overload::checked(document, &file.overload, max_connections)?,
            workers: usize::try_from(workers).unwrap_or(1),
            reflection: file.ext_authz.reflection,
            http_auth: file
                .http_auth
                .map(|section| http_auth::checked(document, section))
                .transpose()?,
            admin: admin::checked(document, file.admin)?,
            settings: Settings {
                realm: file.realm,
                prefix,
                max_upstream_headers: usize::try_from(max_headers)
                    .unwrap_or(Settings::DEFAULT_MAX_UPSTREAM_HEADERS),
                dpop_nonce_lifetime_seconds: dpop::nonce_lifetime(document, &file.dpop)?,
            },
            caches: dpop::cache_limits(document, &file.dpop, token_bytes, &routes)?,
            log_decisions: file.log_decisions,
            keep_decisions: usize::try_from(within(
                document,
                &["decisions", "keep"],
                file.decisions.keep,
                0,
                1_000_000,
            )?)
            .unwrap_or(0),
            issuers,
            routes,
            policy,
            candidate,
            stream,
            origin,
            written: Arc::new(written),
        })
    }
}

fn stream(document: &Document, file: file::ControlPlane, bundle: &str) -> Result<StreamPlan, ConfigError> {
    let key = &["control_plane", "grpc"];
    // TLS between our own parts comes with workload identities.
    if !file.grpc.starts_with("http://") {
        return Err(document.invalid(key, "expected an http:// URL, such as http://127.0.0.1:8081"));
    }
    Endpoint::from_shared(file.grpc.clone()).map_err(|error| {
        document.invalid(
            key,
            format!("expected a URL, such as http://127.0.0.1:8081: {error}"),
        )
    })?;
    Ok(StreamPlan {
        url: file.grpc,
        credential_file: file.credential_file.map(|path| document.resolve(&path)),
        bundle: bundle.to_owned(),
    })
}

fn resolved(document: &Document, key: &[&str], listen: Listen) -> Result<Listen, ConfigError> {
    listen
        .resolved(&document.resolve(Path::new("")))
        .map_err(|error| document.invalid(key, error.to_string()))
}

/// A number between `least` and `most`.
fn within(document: &Document, key: &[&str], value: u64, least: u64, most: u64) -> Result<u64, ConfigError> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(document.invalid(
            key,
            format!("expected a number from {least} to {most}, got {value}"),
        ))
    }
}

/// Each of a list of texts, read by `read`.
fn each<T, E: ToString>(
    document: &Document,
    path: &[&str],
    texts: &[String],
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, ConfigError> {
    let one = |(index, text): (usize, &String)| {
        read(text).map_err(|error| {
            let index = index.to_string();
            document.invalid(&[path, &[&index]].concat(), error.to_string())
        })
    };
    texts.iter().enumerate().map(one).collect()
}

/// Where a bundle is: such a URL, or a file of this machine.
fn bundle_url(document: &Document, key: &[&str], text: String) -> Result<String, ConfigError> {
    if !text.starts_with("file:") {
        return url(document, key, text);
    }
    match crate::sync::file_of(&text) {
        Some(_) => Ok(text),
        None => Err(document.invalid(
            key,
            "expected file:// and an absolute path, such as file:///bundles/orders.tar.gz",
        )),
    }
}

/// An absolute http or https URL without credentials.
fn url(document: &Document, key: &[&str], text: String) -> Result<String, ConfigError> {
    let expected = "expected an http:// or https:// URL without user, password and fragment";
    let parsed = reqwest::Url::parse(&text).map_err(|_| document.invalid(key, expected))?;
    let plain = parsed.username().is_empty() && parsed.password().is_none() && parsed.fragment().is_none();
    if plain && matches!(parsed.scheme(), "http" | "https") && parsed.has_host() {
        Ok(text)
    } else {
        Err(document.invalid(key, expected))
    }
}
