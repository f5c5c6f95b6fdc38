//! What the extensions of a certificate say (RFC 5280, 4.2), as far as Go reads them.

use std::collections::BTreeSet;

use postern_rego::{BuiltinError, host};

use super::super::{fail, refuse};
use super::der::{self, BOOLEAN, Der, INTEGER, OCTET_STRING, OID, SEQUENCE, constructed, context};
use super::general_names::{Names, Subtrees, names, subtrees};

/// An extension, unread.
#[derive(Clone, Debug)]
pub(super) struct Extension {
    pub(super) id: Vec<u32>,
    pub(super) critical: bool,
    pub(super) value: Vec<u8>,
}

impl Extension {
    pub(super) fn parse(mut der: Der<'_>) -> Result<Self, BuiltinError> {
        let Some(id) = der.oid() else {
            return fail("x509: malformed extension OID field");
        };
        let critical = if der.is_next(BOOLEAN) {
            let Some(critical) = der.boolean() else {
                return fail("x509: malformed extension critical field");
            };
            critical
        } else {
            false
        };
        let Some(value) = der.read(OCTET_STRING) else {
            return fail("x509: malformed extension value field");
        };
        let value = value.0.to_vec();
        Ok(Self { id, critical, value })
    }
}

/// A policy of the issuer's, and the subject's that counts as it.
pub(super) type Mapping = (Vec<u32>, Vec<u32>);

/// What was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    pub(super) unhandled_critical: Vec<Vec<u32>>,
    pub(super) key_usage: i64,
    pub(super) basic_constraints: bool,
    pub(super) is_ca: bool,
    pub(super) max_path_len: i64,
    pub(super) names: Names,
    pub(super) has_name_constraints: bool,
    pub(super) permitted_critical: bool,
    pub(super) permitted: Subtrees,
    pub(super) excluded: Subtrees,
    pub(super) crl_distribution_points: Vec<String>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) has_policy_constraints: bool,
    pub(super) require_explicit_policy: Option<i64>,
    pub(super) inhibit_policy_mapping: Option<i64>,
    pub(super) inhibit_any_policy: Option<i64>,
    /// Go's numbers.
    pub(super) ext_key_usage: Vec<i64>,
    pub(super) unknown_ext_key_usage: Vec<Vec<u32>>,
    pub(super) policies: Option<Vec<Vec<u32>>>,
    pub(super) policy_mappings: Vec<Mapping>,
    pub(super) ocsp_servers: Vec<String>,
    pub(super) issuing_urls: Vec<String>,
}

const AUTHORITY_INFO_ACCESS: &[u32] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];

/// `what`, or Go's complaint that it is invalid.
pub(super) fn valid<T>(what: Option<T>, name: &'static str) -> Result<T, BuiltinError> {
    what.ok_or_else(|| BuiltinError::Lenient(format!("x509: invalid {name}")))
}

impl Extensions {
    pub(super) fn read(extensions: &[Extension]) -> Result<Self, BuiltinError> {
        let mut read = Self::default();
        for extension in extensions {
            let is_handled = read.take(extension)?;
            if extension.critical && !is_handled {
                read.unhandled_critical.push(extension.id.clone());
            }
        }
        Ok(read)
    }

    /// Reads one; says whether it is of a kind that is known.
    fn take(&mut self, extension: &Extension) -> Result<bool, BuiltinError> {
        let der = Der(&extension.value);
        match extension.id.as_slice() {
            [2, 5, 29, 14] => {
                if extension.critical {
                    return fail("x509: subject key identifier incorrectly marked critical");
                }
                let id = valid({ der }.read(OCTET_STRING), "subject key identifier")?;
                self.subject_key_id = Some(id.0.to_vec());
            }
            [2, 5, 29, 15] => self.key_usage = key_usage(der)?,
            [2, 5, 29, 17] => {
                self.names = names(der)?;
                let names = &self.names;
                return Ok(!(names.dns.is_empty()
                    && names.emails.is_empty()
                    && names.ips.is_empty()
                    && names.uris.is_empty()));
            }
            [2, 5, 29, 19] => {
                (self.is_ca, self.max_path_len) = basic_constraints(der)?;
                self.basic_constraints = true;
            }
            [2, 5, 29, 30] => return self.name_constraints(der, extension.critical),
            [2, 5, 29, 31] => self.crl_distribution_points = distribution_points(der)?,
            [2, 5, 29, 32] => self.policies = Some(policies(der)?),
            [2, 5, 29, 33] => self.policy_mappings = policy_mappings(der)?,
            [2, 5, 29, 35] => {
                if extension.critical {
                    return fail("x509: authority key identifier incorrectly marked critical");
                }
                let mut id = valid({ der }.read(SEQUENCE), "authority key identifier")?;
                let id = valid(id.optional(context(0)), "authority key identifier")?;
                self.authority_key_id = id.map(|id| id.0.to_vec());
            }
            [2, 5, 29, 36] => self.policy_constraints(der)?,
            [2, 5, 29, 37] => (self.ext_key_usage, self.unknown_ext_key_usage) = usages(der)?,
            [2, 5, 29, 54] => {
                let number = valid({ der }.small_with(INTEGER), "inhibit any policy extension")?;
                self.inhibit_any_policy = Some(number);
            }
            AUTHORITY_INFO_ACCESS => self.info_access(der, extension.critical)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn policy_constraints(&mut self, mut der: Der<'_>) -> Result<(), BuiltinError> {
        let what = "policy constraints extension";
        let mut list = valid(der.read(SEQUENCE), what)?;
        self.has_policy_constraints = true;
        if list.is_next(context(0)) {
            self.require_explicit_policy = Some(valid(list.small_with(context(0)), what)?);
        }
        if list.is_next(context(1)) {
            self.inhibit_policy_mapping = Some(valid(list.small_with(context(1)), what)?);
        }
        Ok(())
    }

    fn info_access(&mut self, mut der: Der<'_>, critical: bool) -> Result<(), BuiltinError> {
        let what = "authority info access";
        if critical {
            return fail("x509: authority info access incorrectly marked critical");
        }
        let mut list = valid(der.read(SEQUENCE), what)?;
        while !list.is_empty() {
            let mut access = valid(list.read(SEQUENCE), what)?;
            let method = valid(access.oid(), what)?;
            if !access.is_next(context(6)) {
                continue;
            }
            let location = host::lossy_text(valid(access.read(context(6)), what)?.0);
            match method.as_slice() {
                [1, 3, 6, 1, 5, 5, 7, 48, 1] => self.ocsp_servers.push(location),
                [1, 3, 6, 1, 5, 5, 7, 48, 2] => self.issuing_urls.push(location),
                _ => {}
            }
        }
        Ok(())
    }

    fn name_constraints(&mut self, mut der: Der<'_>, critical: bool) -> Result<bool, BuiltinError> {
        let what = "NameConstraints extension";
        let mut list = valid(der.read(SEQUENCE), what)?;
        let permitted = valid(list.optional(constructed(0)), what)?;
        let excluded = valid(list.optional(constructed(1)), what)?;
        if !der.is_empty() || !list.is_empty() {
            return fail("x509: invalid NameConstraints extension");
        }
        let (permitted, excluded) = (permitted.unwrap_or(Der(&[])), excluded.unwrap_or(Der(&[])));
        if permitted.is_empty() && excluded.is_empty() {
            return fail("x509: empty name constraints extension");
        }
        let (first, second);
        (self.permitted, first) = subtrees(permitted)?;
        (self.excluded, second) = subtrees(excluded)?;
        self.permitted_critical = critical;
        self.has_name_constraints = true;
        Ok(first && second)
    }
}

fn key_usage(mut der: Der<'_>) -> Result<i64, BuiltinError> {
    let (unused, bytes) = valid(der.bits(), "key usage")?;
    let bits = (bytes.len() * 8).saturating_sub(usize::from(unused));
    let is_set = |bit: usize| {
        let byte = bytes.get(bit / 8).copied().unwrap_or(0);
        bit < bits && byte & (0x80 >> (bit % 8)) != 0
    };
    Ok((0..9)
        .filter(|bit| is_set(*bit))
        .fold(0, |usage, bit| usage | 1 << bit))
}

fn basic_constraints(mut der: Der<'_>) -> Result<(bool, i64), BuiltinError> {
    let what = "basic constraints";
    let mut list = valid(der.read(SEQUENCE), what)?;
    let is_ca = list.is_next(BOOLEAN) && valid(list.boolean(), what)?;
    let length = if list.is_next(INTEGER) {
        let length = valid(list.small_with(INTEGER), what)?;
        valid(Some(length).filter(|length| *length >= 0), what)?
    } else {
        -1
    };
    Ok((is_ca, length))
}

fn distribution_points(mut der: Der<'_>) -> Result<Vec<String>, BuiltinError> {
    let what = "CRL distribution point";
    let mut list = valid(der.read(SEQUENCE), "CRL distribution points")?;
    let mut points = Vec::new();
    while !list.is_empty() {
        let mut point = valid(list.read(SEQUENCE), what)?;
        let Some(mut name) = valid(point.optional(constructed(0)), what)? else {
            continue;
        };
        let mut names = valid(name.read(constructed(0)), what)?;
        while names.is_next(context(6)) {
            points.push(host::lossy_text(valid(names.read(context(6)), what)?.0));
        }
    }
    Ok(points)
}

fn policies(mut der: Der<'_>) -> Result<Vec<Vec<u32>>, BuiltinError> {
    let what = "certificate policies";
    let mut list = valid(der.read(SEQUENCE), what)?;
    let mut policies = Vec::new();
    let mut known = BTreeSet::new();
    while !list.is_empty() {
        let mut policy = valid(list.read(SEQUENCE), what)?;
        let id = valid(policy.read(OID), what)?.0;
        let id = large_oid(id, what)?;
        if !known.insert(id.clone()) {
            return fail("x509: invalid certificate policies");
        }
        policies.push(id);
    }
    Ok(policies)
}

/// Go takes numbers of any size here.
fn large_oid(bytes: &[u8], what: &'static str) -> Result<Vec<u32>, BuiltinError> {
    match (der::oid(bytes), bytes.last()) {
        (Some(id), _) => Ok(id),
        (None, Some(last)) if last & 0x80 == 0 => refuse("an object identifier with such a large number"),
        (None, _) => valid(None, what),
    }
}

fn policy_mappings(mut der: Der<'_>) -> Result<Vec<Mapping>, BuiltinError> {
    let what = "policy mappings extension";
    let mut list = valid(der.read(SEQUENCE), what)?;
    let mut mappings = Vec::new();
    while !list.is_empty() {
        let mut mapping = valid(list.read(SEQUENCE), what)?;
        let mut id = || {
            let id = valid(mapping.read(OID), what)?;
            match der::oid(id.0) {
                Some(id) => Ok(id),
                None => refuse("an object identifier that is malformed or has such a large number"),
            }
        };
        mappings.push((id()?, id()?));
    }
    Ok(mappings)
}

type Usages = (Vec<i64>, Vec<Vec<u32>>);

fn usages(mut der: Der<'_>) -> Result<Usages, BuiltinError> {
    let what = "extended key usages";
    let mut list = valid(der.read(SEQUENCE), what)?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    while !list.is_empty() {
        let usage = valid(list.oid(), what)?;
        match usage.as_slice() {
            [2, 5, 29, 37, 0] => known.push(0),
            [1, 3, 6, 1, 5, 5, 7, 3, number @ 1..=9] => known.push(i64::from(*number)),
            [1, 3, 6, 1, 4, 1, 311, 10, 3, 3] => known.push(10),
            [2, 16, 840, 1, 113_730, 4, 1] => known.push(11),
            [1, 3, 6, 1, 4, 1, 311, 2, 1, 22] => known.push(12),
            [1, 3, 6, 1, 4, 1, 311, 61, 1, 1] => known.push(13),
            _ => unknown.push(usage),
        }
    }
    Ok((known, unknown))
}
