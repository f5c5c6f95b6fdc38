//! Where operators ask, and by which names.

use postern_config::{ConfigError, Document, Listen};

use super::{each, file, resolved};
use crate::admin::Hosts;

/// Where operators ask.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AdminPlan {
    pub(crate) listen: Listen,
    /// The names that are answered to there.
    pub(crate) hosts: Hosts,
}

/// The section of the file, checked.
pub(super) fn checked(document: &Document, file: file::Admin) -> Result<AdminPlan, ConfigError> {
    let names = each(document, &["admin", "hosts"], &file.hosts, name)?;
    let over_unix = matches!(file.listen, Listen::Unix(_));
    if over_unix && !names.is_empty() {
        let message = "expected none with a Unix socket, where names aren't looked at; remove it";
        return Err(document.invalid(&["admin", "hosts"], message));
    }
    Ok(AdminPlan {
        listen: resolved(document, &["admin", "listen"], file.listen)?,
        hosts: if over_unix {
            Hosts::Any
        } else {
            Hosts::Named(names.into())
        },
    })
}

/// A DNS name, in lower case and without its port, which isn't looked at.
fn name(text: &str) -> Result<String, &'static str> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if text.len() <= 253 && text.split('.').all(label) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("expected a name without a port, such as sidecar.shop.svc")
    }
}
