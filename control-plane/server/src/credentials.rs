//! Who may do what: reads the credential of a request and compares it with the ones of the data folder. What each
//! surface answers to a stranger is theirs to say.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use postern_store::{Credential, Role};

/// The credentials that open protected endpoints; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    credentials: Arc<[Credential]>,
}

/// What the gate says about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may go on.
    Pass,
    /// No credential, or none that we know.
    Stranger,
    /// A credential that isn't for this.
    WrongRole,
}

impl Gate {
    pub(crate) fn new(credentials: &[Credential]) -> Self {
        Self {
            credentials: credentials.into(),
        }
    }

    /// Whether a request with these headers may do what a sidecar may (`for_sidecars`), or what only an admin may.
    pub(crate) fn judge(&self, headers: &HeaderMap, for_sidecars: bool) -> Verdict {
        match self.role(headers) {
            Some(Role::Admin) => Verdict::Pass,
            Some(Role::Sidecar) if for_sidecars => Verdict::Pass,
            Some(Role::Sidecar) => Verdict::WrongRole,
            None => Verdict::Stranger,
        }
    }

    /// Compares with every credential, whichever matches, in a time that tells nothing about them.
    fn role(&self, headers: &HeaderMap) -> Option<Role> {
        let mut authorizations = headers.get_all(AUTHORIZATION).iter();
        let (Some(header), None) = (authorizations.next(), authorizations.next()) else {
            return None;
        };
        let (scheme, presented) = header.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let presented = presented.trim_matches(' ');
        self.credentials.iter().fold(None, |role, credential| {
            if bool::from(credential.is(presented)) {
                Some(credential.role())
            } else {
                role
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use postern_store::{DataFolder, SystemEntropy};

    use super::*;

    #[test]
    fn each_credential_opens_what_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::new(
            DataFolder::open(folder.path(), &SystemEntropy)
                .unwrap()
                .credentials(),
        );
        let read = |role| {
            let line = std::fs::read_to_string(folder.path().join("credentials").join(role)).unwrap();
            line.trim_end().to_owned()
        };
        let (admin, sidecar) = (
            format!("Bearer {}", read("admin")),
            format!("bearer {}", read("sidecar")),
        );
        let check = |values: &[&str], for_sidecars| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            gate.judge(&headers, for_sidecars)
        };
        assert_eq!(check(&[&admin], false), Verdict::Pass);
        assert_eq!(check(&[&admin], true), Verdict::Pass);
        assert_eq!(check(&[&sidecar], true), Verdict::Pass);
        assert_eq!(check(&[&sidecar], false), Verdict::WrongRole);
        for strange in [
            &[][..],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Bearer x"],
            &[&admin[7..]],
            &[&admin.replacen("Bearer", "Basic", 1)],
            &[&format!("{admin}x")],
            &[&admin, &admin],
        ] {
            assert_eq!(check(strange, true), Verdict::Stranger, "{strange:?}");
        }
    }
}
