//! Whether a chain of certificates leads from a leaf to the one root, as Go's `Certificate.Verify` finds out. Chains on
//! which name or policy constraints would have a say are refused.

use std::net::IpAddr;

use postern_rego::{BuiltinError, Context};

use super::super::refuse;
use super::certificate::Certificate;
use super::public_key::PublicKey;
use super::signature;

/// What is asked of a chain.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// What the leaf must be for, unless it is empty.
    pub(super) dns_name: String,
    /// In nanoseconds since the Unix epoch; otherwise the evaluation's present.
    pub(super) time_ns: Option<i64>,
    /// Go's numbers; none means server authentication.
    pub(super) key_usages: Vec<i64>,
}

/// How many signatures Go looks at.
const MAX_SIGNATURE_CHECKS: usize = 100;

/// From the leaf to the root, as places in `certificates`.
type Chain = Vec<usize>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Leaf,
    Intermediate,
    Root,
}

struct Search<'a> {
    certificates: &'a [Certificate],
    now_ns: i64,
    checks: usize,
    chains: Vec<Chain>,
}

/// The first chain from the last certificate over those in the middle to the first one; none if there isn't any.
pub(super) fn chain(
    context: &mut Context<'_>,
    certificates: &[Certificate],
    options: &Options,
) -> Result<Option<Chain>, BuiltinError> {
    let (Some(leaf_at), Some(leaf)) = (certificates.len().checked_sub(1), certificates.last()) else {
        return Ok(None);
    };
    if certificates.len() < 2 {
        return Ok(None);
    }
    let mut search = Search {
        certificates,
        now_ns: options.time_ns.unwrap_or_else(|| context.now_ns()),
        checks: 0,
        chains: Vec::new(),
    };
    if !search.is_valid(leaf, Kind::Leaf, &[]) {
        return Ok(None);
    }
    if !options.dns_name.is_empty() && !is_for_host(context, leaf, &options.dns_name)? {
        return Ok(None);
    }
    if certificates.first().is_some_and(|root| root.raw == leaf.raw) {
        search.chains.push(vec![leaf_at]);
    } else {
        search.extend(context, &vec![leaf_at])?;
    }
    for chain in search.chains {
        let links: Vec<&Certificate> = chain.iter().filter_map(|at| certificates.get(*at)).collect();
        if links.len() > 1 && links.iter().any(|link| link.read.has_policy_constraints) {
            return refuse("a chain with policy constraints");
        }
        if !is_for_usages(&links, &options.key_usages) {
            continue;
        }
        if links.iter().any(|link| link.read.has_name_constraints) {
            return refuse("a chain with name constraints");
        }
        return Ok(Some(chain));
    }
    Ok(None)
}

impl Search<'_> {
    /// Finds all chains that begin with this one.
    fn extend(&mut self, context: &mut Context<'_>, chain: &Chain) -> Result<(), BuiltinError> {
        let certificates = self.certificates;
        // Those of one name are compared with each other.
        context.spend(certificates.len().saturating_pow(2))?;
        let Some(child) = chain.last().and_then(|at| certificates.get(*at)) else {
            return Ok(());
        };
        let middle = 1..certificates.len().saturating_sub(1);
        let roots = parents(certificates, 0..1, child);
        let intermediates = parents(certificates, middle, child);
        let kinds = [(Kind::Root, roots), (Kind::Intermediate, intermediates)];
        for (kind, at) in kinds
            .into_iter()
            .flat_map(|(kind, all)| all.into_iter().map(move |at| (kind, at)))
        {
            self.checks += 1;
            if self.checks > MAX_SIGNATURE_CHECKS {
                return Ok(());
            }
            let Some(parent) = certificates.get(at) else {
                continue;
            };
            let links: Vec<&Certificate> = chain.iter().filter_map(|at| certificates.get(*at)).collect();
            if parent.key == PublicKey::Unknown || is_in(parent, &links) {
                continue;
            }
            if !is_signed_by(context, child, parent)? || !self.is_valid(parent, kind, &links) {
                continue;
            }
            let longer = chain.iter().copied().chain([at]).collect();
            if kind == Kind::Root {
                self.chains.push(longer);
            } else {
                // As deep as there are certificates, none of which comes twice.
                self.extend(context, &longer)?;
            }
        }
        Ok(())
    }

    fn is_valid(&self, certificate: &Certificate, kind: Kind, chain: &[&Certificate]) -> bool {
        let read = &certificate.read;
        let names_match = chain
            .last()
            .is_none_or(|child| child.raw_issuer == certificate.raw_subject);
        let nanoseconds = |seconds: i64| i128::from(seconds) * 1_000_000_000;
        let now = i128::from(self.now_ns);
        let in_time = nanoseconds(certificate.not_before) <= now && now <= nanoseconds(certificate.not_after);
        let may_issue = kind != Kind::Intermediate || (read.basic_constraints && read.is_ca);
        let is_short = !read.basic_constraints
            || read.max_path_len < 0
            || i64::try_from(chain.len()).is_ok_and(|length| length - 1 <= read.max_path_len);
        read.unhandled_critical.is_empty() && names_match && in_time && may_issue && is_short
    }
}

/// Those in the range that may have signed the child, the likelier ones first.
fn parents(certificates: &[Certificate], range: std::ops::Range<usize>, child: &Certificate) -> Vec<usize> {
    let wanted = child.read.authority_key_id.as_deref().unwrap_or_default();
    let mut found: Vec<(u8, usize)> = Vec::new();
    for at in range {
        let Some(candidate) = certificates.get(at) else {
            continue;
        };
        if candidate.raw_subject != child.raw_issuer {
            continue;
        }
        // A pool has each certificate once.
        if found.iter().any(|(_, other)| {
            certificates
                .get(*other)
                .is_some_and(|other| other.raw == candidate.raw)
        }) {
            continue;
        }
        let id = candidate.read.subject_key_id.as_deref().unwrap_or_default();
        let rank = match (id == wanted, id.is_empty() != wanted.is_empty()) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        found.push((rank, at));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, at)| at).collect()
}

/// Whether the same name with the same key and the same alternative names is there already.
fn is_in(candidate: &Certificate, chain: &[&Certificate]) -> bool {
    let alternatives = |certificate: &Certificate| {
        let found = certificate
            .extensions
            .iter()
            .find(|extension| extension.id == [2, 5, 29, 17]);
        found.map(|extension| extension.value.clone())
    };
    let wanted = alternatives(candidate);
    for link in chain {
        if link.raw_subject != candidate.raw_subject || link.raw_key != candidate.raw_key {
            continue;
        }
        match (&wanted, alternatives(link)) {
            (None, None) => return true,
            (None, Some(_)) | (Some(_), None) => return false,
            (Some(wanted), Some(found)) if *wanted == found => return true,
            (Some(_), Some(_)) => {}
        }
    }
    false
}

/// Go's `CheckSignatureFrom`.
fn is_signed_by(
    context: &mut Context<'_>,
    child: &Certificate,
    parent: &Certificate,
) -> Result<bool, BuiltinError> {
    const CERT_SIGN: i64 = 1 << 5;
    let read = &parent.read;
    if (parent.version == 3 && !read.basic_constraints)
        || (read.basic_constraints && !read.is_ca)
        || (read.key_usage != 0 && read.key_usage & CERT_SIGN == 0)
    {
        return Ok(false);
    }
    signature::is_good(
        context,
        child.signature_algorithm,
        &child.raw_tbs,
        &child.signature,
        &parent.key,
    )
}

/// Whether every certificate that says what it is for allows one of the usages, from the root on.
fn is_for_usages(chain: &[&Certificate], usages: &[i64]) -> bool {
    const ANY: i64 = 0;
    const SERVER_AUTH: i64 = 1;
    if usages.contains(&ANY) {
        return true;
    }
    let mut left = if usages.is_empty() {
        vec![SERVER_AUTH]
    } else {
        usages.to_vec()
    };
    for certificate in chain.iter().rev() {
        let read = &certificate.read;
        let says_nothing = read.ext_key_usage.is_empty() && read.unknown_ext_key_usage.is_empty();
        if says_nothing || read.ext_key_usage.contains(&ANY) {
            continue;
        }
        left.retain(|usage| read.ext_key_usage.contains(usage));
        if left.is_empty() {
            return false;
        }
    }
    true
}

/// Go's `VerifyHostname`.
fn is_for_host(
    context: &mut Context<'_>,
    certificate: &Certificate,
    host: &str,
) -> Result<bool, BuiltinError> {
    context.spend(host.len())?;
    let names = &certificate.read.names;
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = bare.filter(|_| host.len() >= 3).unwrap_or(host);
    if let Ok(address) = address.parse::<IpAddr>() {
        let octets = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        let of_bytes = |bytes: &Vec<u8>| match bytes.as_slice() {
            [a, b, c, d] => Some(octets(IpAddr::from([*a, *b, *c, *d]))),
            bytes => <[u8; 16]>::try_from(bytes).ok(),
        };
        return Ok(names.ips.iter().any(|ip| of_bytes(ip) == Some(octets(address))));
    }
    let host = host.to_ascii_lowercase();
    let is_plain = is_hostname(&host, false);
    for pattern in &names.dns {
        // Each is taken apart, and the host with it.
        context.spend(pattern.len().saturating_add(host.len()))?;
        let pattern = pattern.to_ascii_lowercase();
        let is_one = if is_plain && is_hostname(&pattern, true) {
            matches(&pattern, host.strip_suffix('.').unwrap_or(&host))
        } else {
            let says_something = |name: &str| !name.is_empty() && name != ".";
            says_something(&pattern) && says_something(&host) && pattern == host
        };
        if is_one {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_hostname(name: &str, is_pattern: bool) -> bool {
    let name = if is_pattern {
        name
    } else {
        name.strip_suffix('.').unwrap_or(name)
    };
    if name.is_empty() || name == "*" {
        return false;
    }
    name.split('.').enumerate().all(|(at, label)| {
        let is_star = is_pattern && at == 0 && label == "*";
        let is_fine = |(at, c): (usize, char)| c.is_ascii_alphanumeric() || c == '_' || (c == '-' && at > 0);
        is_star || (!label.is_empty() && label.char_indices().all(is_fine))
    })
}

fn matches(pattern: &str, host: &str) -> bool {
    let (patterns, labels): (Vec<&str>, Vec<&str>) =
        (pattern.split('.').collect(), host.split('.').collect());
    patterns.len() == labels.len()
        && patterns
            .iter()
            .zip(&labels)
            .enumerate()
            .all(|(at, (pattern, label))| (at == 0 && *pattern == "*") || pattern == label)
}
