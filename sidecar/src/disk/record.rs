//! One record: a line of JSON that says what it is, where it came from, when, and what all of it hashes to, then the bytes
//! as they came. One file, so that the two can't disagree; a damaged one is refused, never repaired.

use std::io;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::{in_hexadecimal, replace_file};

/// What was fetched, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Whose it is: an issuer, or the name of a bundle.
    pub(crate) subject: String,
    /// The URL it was fetched from. State from another source isn't used: what is trusted may have changed with it.
    pub(crate) source: String,
    /// The tag it had there.
    pub(crate) etag: Option<String>,
    /// When it was fetched, in seconds since the epoch.
    pub(crate) fetched_at: i64,
    /// The bytes.
    pub(crate) content: Vec<u8>,
}

/// Why a record isn't used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// It can't be read.
    #[error("can't be read: {0}")]
    Read(#[from] io::Error),
    /// It isn't a record, or its bytes are not those that were written.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// It is larger than what is accepted from the network.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// It is sound, and of something else.
    #[error("it is of {found}, expected {expected}")]
    OfSomethingElse {
        /// What it is of.
        found: String,
        /// What was looked for.
        expected: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Heading {
    format: u32,
    subject: String,
    source: String,
    etag: Option<String>,
    fetched_at: i64,
    /// Of everything above and the bytes.
    sha256: String,
}

const FORMAT: u32 = 2;
/// The heading is a line of ours, URLs and a tag: longer means damaged.
const MAX_HEADING_BYTES: u64 = 16 * 1024;

impl Record {
    /// Reads the record at `path`; `None` where there is none.
    ///
    /// # Errors
    /// When it is damaged, too large, or not of `subject` from `source`.
    pub(crate) fn read(
        path: &Path,
        subject: &str,
        source: &str,
        max_bytes: u64,
    ) -> Result<Option<Self>, RecordError> {
        let size = match std::fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if size > max_bytes.saturating_add(MAX_HEADING_BYTES) {
            return Err(RecordError::TooLarge(max_bytes));
        }
        let record = Self::parse(&std::fs::read(path)?)?;
        if record.subject != subject || record.source != source {
            return Err(RecordError::OfSomethingElse {
                found: format!("{} from {}", record.subject, record.source),
                expected: format!("{subject} from {source}"),
            });
        }
        Ok(Some(record))
    }

    fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let end = bytes
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or(RecordError::Damaged("no heading"))?;
        let (heading, rest) = bytes.split_at(end);
        let content = rest.strip_prefix(b"\n").unwrap_or(rest);
        let heading: Heading =
            serde_json::from_slice(heading).map_err(|_| RecordError::Damaged("the heading is not ours"))?;
        if heading.format != FORMAT {
            return Err(RecordError::Damaged("the heading is of another format"));
        }
        let record = Self {
            subject: heading.subject,
            source: heading.source,
            etag: heading.etag,
            fetched_at: heading.fetched_at,
            content: content.to_vec(),
        };
        if heading.sha256 != record.checksum() {
            return Err(RecordError::Damaged("the checksum differs"));
        }
        Ok(record)
    }

    /// Of each member after its length, so that no two records are written alike.
    fn checksum(&self) -> String {
        let mut context = Context::new(&SHA256);
        let etag = self.etag.as_deref().map(str::as_bytes);
        let members = [
            self.subject.as_bytes(),
            self.source.as_bytes(),
            &[u8::from(etag.is_some())],
            etag.unwrap_or_default(),
            &self.fetched_at.to_le_bytes(),
            &self.content,
        ];
        for member in members {
            context.update(&(member.len() as u64).to_le_bytes());
            context.update(member);
        }
        in_hexadecimal(context.finish().as_ref())
    }

    /// Writes the record to `path`, in place of what is there.
    ///
    /// # Errors
    /// When the disk refuses; what was there is then still there.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let heading = Heading {
            format: FORMAT,
            subject: self.subject.clone(),
            source: self.source.clone(),
            etag: self.etag.clone(),
            fetched_at: self.fetched_at,
            sha256: self.checksum(),
        };
        let heading = serde_json::to_vec(&heading)?;
        replace_file(path, &[&heading, b"\n", &self.content])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> Record {
        Record {
            subject: "https://issuer.example".to_owned(),
            source: "https://issuer.example/jwks".to_owned(),
            etag: Some("\"a\"".to_owned()),
            fetched_at: 7,
            content: b"{\"keys\":[]}\n\n{}".to_vec(),
        }
    }

    fn read(path: &Path) -> Result<Option<Record>, RecordError> {
        Record::read(path, &record().subject, &record().source, 1024)
    }

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/a.record");
        assert!(read(&path).unwrap().is_none());
        record().write(&path).unwrap();
        assert_eq!(read(&path).unwrap(), Some(record()));
        let newer = Record {
            content: b"new".to_vec(),
            ..record()
        };
        newer.write(&path).unwrap();
        assert_eq!(read(&path).unwrap(), Some(newer));
    }

    #[test]
    fn a_record_of_another_issuer_or_source_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.record");
        Record {
            source: "https://other.example".to_owned(),
            ..record()
        }
        .write(&path)
        .unwrap();
        assert!(matches!(read(&path), Err(RecordError::OfSomethingElse { .. })));
    }

    #[test]
    fn an_oversized_record_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.record");
        Record {
            content: vec![0; 40_000],
            ..record()
        }
        .write(&path)
        .unwrap();
        assert!(matches!(read(&path), Err(RecordError::TooLarge(1024))));
    }

    proptest! {
        #[test]
        fn a_damaged_record_is_never_taken_for_a_whole_one(at in 0usize..10_000, bit in 0u8..8, cut in any::<bool>()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.record");
            record().write(&path).unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            std::fs::write(&path, &bytes).unwrap();
            // A bit of JSON may be flipped without changing what it says; whatever is read is all that was written.
            if let Ok(Some(found)) = read(&path) {
                prop_assert_eq!(found, record());
            }
        }
    }
}
