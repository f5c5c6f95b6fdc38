//! Which workloads a connection may come from: what the file says, and what it must be.

use postern_config::{ConfigError, Document};
use postern_decide::routes::{AddressRange, PeerRules, SpiffePattern, XfccSender};
use serde::Deserialize;

use super::each;

/// Who the connection must come from, by the SPIFFE ID that its certificate proves.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Trust domains, of which the peer must be in one (`peer_required`, `peer_untrusted`). Default any.
    #[serde(default)]
    pub trust_domains: Vec<String>,
    /// IDs, of which the peer must have one: `spiffe://prod.example/ns/shop/sa/web`, or all below one,
    /// `spiffe://prod.example/ns/shop/*` (`peer_required`, `peer_untrusted`). Default any.
    #[serde(default)]
    pub spiffe_ids: Vec<String>,
    /// Believe Envoy's `source.principal` where the certificate itself doesn't come along. Default false.
    #[serde(default)]
    pub trust_principal: bool,
    /// Believe `x-forwarded-client-cert` of these. Default: of nobody.
    pub xfcc: Option<Xfcc>,
}

/// Whose `x-forwarded-client-cert` counts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xfcc {
    /// Addresses, blocks of them (`10.0.0.0/8`) and SPIFFE IDs of connections that it is believed from; at least one.
    pub from: Vec<String>,
}

/// The rules at `path` of the file, checked.
pub(super) fn checked(document: &Document, path: &[&str], file: &Peer) -> Result<PeerRules, ConfigError> {
    let trust_domains: Vec<Box<str>> = each(
        document,
        &[path, &["trust_domains"]].concat(),
        &file.trust_domains,
        trust_domain,
    )?;
    let id = |text: &str| {
        let pattern = SpiffePattern::parse(text).map_err(|error| error.to_string())?;
        let domain = pattern.trust_domain();
        if trust_domains.is_empty() || trust_domains.iter().any(|name| **name == *domain) {
            Ok(pattern)
        } else {
            Err(format!(
                "no peer can have it: `trust_domains` are given, and {domain} isn't one of them"
            ))
        }
    };
    let spiffe_ids = each(document, &[path, &["spiffe_ids"]].concat(), &file.spiffe_ids, id)?;
    let xfcc_from = match &file.xfcc {
        Some(xfcc) => {
            let path = [path, &["xfcc", "from"]].concat();
            if xfcc.from.is_empty() {
                let message = "expected at least one address, block of addresses or SPIFFE ID";
                return Err(document.invalid(&path, message));
            }
            each(document, &path, &xfcc.from, sender)?
        }
        None => Vec::new(),
    };
    Ok(PeerRules {
        trust_domains: trust_domains.into(),
        spiffe_ids: spiffe_ids.into(),
        trust_principal: file.trust_principal,
        xfcc_from: xfcc_from.into(),
    })
}

fn trust_domain(text: &str) -> Result<Box<str>, String> {
    match SpiffePattern::parse(&format!("spiffe://{text}")) {
        Ok(pattern) if pattern.trust_domain() == text => Ok(Box::from(text)),
        Ok(_) => Err("expected a trust domain alone, such as prod.example".to_owned()),
        Err(error) => Err(format!(
            "expected a trust domain, such as prod.example: {}",
            error.rule()
        )),
    }
}

fn sender(text: &str) -> Result<XfccSender, String> {
    if text.starts_with("spiffe:") {
        return SpiffePattern::parse(text)
            .map(XfccSender::Workload)
            .map_err(|error| error.to_string());
    }
    AddressRange::parse(text)
        .map(XfccSender::Addresses)
        .map_err(|error| format!("{error}, or a SPIFFE ID"))
}
