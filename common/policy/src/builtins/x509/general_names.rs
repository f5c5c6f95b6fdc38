//! Names in certificates (RFC 5280, 4.2.1.6), and the trees of them that an authority is bound to (4.2.1.10).

use std::net::IpAddr;

use postern_rego::BuiltinError;

use super::super::go_url::GoUrl;
use super::super::{fail, refuse};
use super::der::{Der, SEQUENCE};
use super::extensions::valid;

/// Names that a certificate is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) dns: Vec<String>,
    pub(super) emails: Vec<String>,
    /// Four or sixteen bytes each.
    pub(super) ips: Vec<Vec<u8>>,
    pub(super) uris: Vec<GoUri>,
}

/// A URI, and its text as Go writes it.
#[derive(Clone, Debug)]
pub(super) struct GoUri {
    pub(super) url: std::sync::Arc<GoUrl>,
    pub(super) text: String,
}

/// Domains, ranges, mailboxes and domains of URIs.
#[derive(Clone, Debug, Default)]
pub(super) struct Subtrees {
    pub(super) dns: Vec<String>,
    /// Address and mask.
    pub(super) ips: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) emails: Vec<String>,
    pub(super) uris: Vec<String>,
}

pub(super) fn names(mut der: Der<'_>) -> Result<Names, BuiltinError> {
    let mut list = valid(der.read(SEQUENCE), "subject alternative names")?;
    let mut names = Names::default();
    while !list.is_empty() {
        let name = valid(list.any(), "subject alternative name")?;
        let text = || {
            String::from_utf8(name.contents.to_vec())
                .ok()
                .filter(|text| text.is_ascii())
        };
        match name.tag ^ 0x80 {
            1 => names.emails.push(valid(text(), "rfc822Name")?),
            2 => names.dns.push(valid(text(), "dNSName")?),
            6 => {
                let url = GoUrl::parse(&valid(text(), "uniformResourceIdentifier")?)?;
                if !is_domain(&url.host, false) {
                    return fail("x509: cannot parse URI: invalid domain");
                }
                let text = url.to_text()?;
                let url = std::sync::Arc::new(url);
                names.uris.push(GoUri { url, text });
            }
            7 if matches!(name.contents.len(), 4 | 16) => names.ips.push(name.contents.to_vec()),
            7 => return fail("x509: cannot parse IP address of this length"),
            _ => {}
        }
    }
    Ok(names)
}

/// Go's `domainNameValid`; a constraint may begin with a point.
fn is_domain(name: &str, constraint: bool) -> bool {
    if name.is_empty() {
        return true;
    }
    let labels = if constraint {
        name.strip_prefix('.').unwrap_or(name)
    } else {
        name
    };
    labels
        .split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|byte| (33..=126).contains(&byte)))
}

/// The subtrees, and whether all are of a known kind.
pub(super) fn subtrees(mut der: Der<'_>) -> Result<(Subtrees, bool), BuiltinError> {
    let what = "NameConstraints extension";
    let mut subtrees = Subtrees::default();
    let mut all_known = true;
    while !der.is_empty() {
        let base = valid(der.read(SEQUENCE).and_then(|mut subtree| subtree.any()), what)?;
        let text = || {
            String::from_utf8(base.contents.to_vec())
                .ok()
                .filter(|text| text.is_ascii())
        };
        let domain = || text().filter(|text| is_domain(text, true));
        match base.tag {
            0x82 => subtrees.dns.push(valid(domain(), "dnsName constraint")?),
            0x81 => {
                let constraint = valid(text(), "constraint value")?;
                if constraint.contains('@') {
                    return refuse("a name constraint on a single mailbox");
                }
                subtrees.emails.push(valid(domain(), "rfc822Name constraint")?);
            }
            0x86 => {
                let name = valid(domain(), "URI constraint")?;
                if name.parse::<IpAddr>().is_ok() {
                    return fail("x509: failed to parse URI constraint: cannot be IP address");
                }
                subtrees.uris.push(name);
            }
            0x87 => {
                let halves = match base.contents.len() {
                    8 | 32 => base.contents.split_at(base.contents.len() / 2),
                    _ => return fail("x509: IP constraint contained value of wrong length"),
                };
                let (address, mask) = halves;
                let ones = mask.iter().map(|byte| byte.count_ones()).sum::<u32>();
                let leading = mask.iter().try_fold(0, |count, byte| match byte.leading_ones() {
                    8 => Ok(count + 8),
                    fewer => Err(count + fewer),
                });
                if leading.unwrap_or_else(|count| count) != ones {
                    return fail("x509: IP constraint contained invalid mask");
                }
                subtrees.ips.push((address.to_vec(), mask.to_vec()));
            }
            _ => all_known = false,
        }
    }
    Ok((subtrees, all_known))
}
