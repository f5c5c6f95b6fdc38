//! An entry of the list of revocations, as it is printed.

use postern_proto::token::v1::{Revocation, claim::Value, revocation::Which};
use serde::Serialize;

use crate::{output::Printed, time_text::utc, when::in_words};

/// An entry. Its members are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub id: String,
    pub issuer: String,
    /// The claim that the tokens have in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<NamedValue>,
    /// The key that signed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Seconds since the epoch; 0: whenever they were issued.
    pub issued_before: i64,
    /// Seconds since the epoch.
    pub expires_at: i64,
    /// Seconds since the epoch.
    pub revoked_at: i64,
    pub reason: String,
}

/// A claim with one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedValue {
    pub name: String,
    pub value: serde_json::Value,
}

impl Entry {
    /// `jti 6f1c…`, `key …`.
    pub fn which(&self) -> String {
        match (&self.claim, &self.key_id) {
            (Some(claim), _) => match &claim.value {
                serde_json::Value::String(text) => format!("{}={text}", claim.name),
                value => format!("{}:={value}", claim.name),
            },
            (None, Some(key_id)) => format!("key {key_id}"),
            (None, None) => "nothing".to_owned(),
        }
    }

    /// Which of them by time.
    pub fn issued(&self) -> String {
        match self.issued_before {
            0 => "whenever".to_owned(),
            seconds => format!("before {}", utc(seconds)),
        }
    }
}

impl From<Revocation> for Entry {
    fn from(entry: Revocation) -> Self {
        let (claim, key_id) = match entry.which {
            Some(Which::Claim(claim)) => {
                let value = match claim.value {
                    Some(Value::Text(text)) => text.into(),
                    Some(Value::Integer(number)) => number.into(),
                    Some(Value::Boolean(boolean)) => boolean.into(),
                    None => serde_json::Value::Null,
                };
                let name = claim.name;
                (Some(NamedValue { name, value }), None)
            }
            Some(Which::KeyId(key_id)) => (None, Some(key_id)),
            None => (None, None),
        };
        Self {
            id: entry.id,
            issuer: entry.issuer,
            claim,
            key_id,
            issued_before: entry.issued_before,
            expires_at: entry.expires_at,
            revoked_at: entry.revoked_at,
            reason: entry.reason,
        }
    }
}

/// An entry that was just put on the list, at `now`.
#[derive(Debug, Serialize)]
pub struct Revoked {
    #[serde(flatten)]
    pub entry: Entry,
    #[serde(skip)]
    pub now: i64,
}

impl Printed for Revoked {
    fn human(&self) -> String {
        let Entry {
            id,
            issuer,
            expires_at,
            ..
        } = &self.entry;
        format!(
            "revoked: tokens of {issuer} with {}, issued {}\n\
             until {} (for {}); every connected sidecar refuses them within a second\n\
             undo with `postern revocation remove {id}`",
            self.entry.which(),
            self.entry.issued(),
            utc(*expires_at),
            in_words(expires_at.saturating_sub(self.now)),
        )
    }
}

#[cfg(test)]
mod tests {
    use postern_proto::token::v1::Claim;

    use super::*;

    fn revocation(which: Which) -> Revocation {
        Revocation {
            id: "0123".into(),
            issuer: "https://a.example".into(),
            which: Some(which),
            issued_before: 0,
            expires_at: 86_700,
            revoked_at: 0,
            reason: String::new(),
        }
    }

    #[test]
    fn a_person_reads_what_until_when_and_how_to_undo_it() {
        let claim = Claim {
            name: "jti".into(),
            value: Some(Value::Text("abc".into())),
        };
        let entry = revocation(Which::Claim(claim)).into();
        let text = Revoked { entry, now: 0 }.human();
        for part in [
            "https://a.example with jti=abc, issued whenever",
            "until 1970-01-02T00:05:00Z (for 1 d 5 min)",
            "within a second",
            "postern revocation remove 0123",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_program_reads_values_in_their_own_type() {
        let claim = Claim {
            name: "uid".into(),
            value: Some(Value::Integer(42)),
        };
        let json = serde_json::to_value(Entry::from(revocation(Which::Claim(claim)))).unwrap();
        assert_eq!(json["claim"], serde_json::json!({ "name": "uid", "value": 42 }));
        assert_eq!(json.get("key_id"), None);
        let json = serde_json::to_value(Entry::from(revocation(Which::KeyId("k".into())))).unwrap();
        assert_eq!((json["key_id"].as_str(), json.get("claim")), (Some("k"), None));
    }
}
