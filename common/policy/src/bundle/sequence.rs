//! The number that orders the bundles of one name that Postern signs: `metadata.postern.sequence` of the manifest, which the
//! signature covers. Revisions are opaque; of bundles of others, and of unsigned ones, nothing is ordered.

use postern_rego::{Object, Value};

use super::archive::{self, Files};
use super::{Bundle, BundleError, Limits, MANIFEST, MANIFEST_PROTOBUF, Manifest, Verification};

/// The largest sequence: what every reader of JSON reads as it was written, 2^53 - 1.
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;

/// Our part of a manifest's metadata, and what it is called in there.
const OURS: &str = "postern";
const SEQUENCE: &str = "sequence";

impl Manifest {
    /// The sequence that it states; `None` where it states none.
    ///
    /// # Errors
    /// When what stands there is no whole number from 0 to [`MAX_SEQUENCE`].
    pub fn sequence(&self) -> Result<Option<u64>, BundleError> {
        let Some(stated) = self.metadata.get(OURS).and_then(|ours| ours.get(SEQUENCE)) else {
            return Ok(None);
        };
        match whole(stated).filter(|sequence| *sequence <= MAX_SEQUENCE) {
            Some(sequence) => Ok(Some(sequence)),
            None => Err(BundleError::Manifest(format!(
                "metadata.{OURS}.{SEQUENCE}: expected a whole number from 0 to {MAX_SEQUENCE}; sign the bundle again with \
                 `postern bundle sign --sequence N …`"
            ))),
        }
    }
}

impl Bundle {
    /// The sequence that its signer gave it. `None` where it has none, and where nobody has proved who signed it: then there is
    /// nothing to order it by.
    ///
    /// # Errors
    /// As [`Manifest::sequence`].
    pub fn sequence(&self) -> Result<Option<u64>, BundleError> {
        match self.signed_by() {
            Some(_) => self.manifest.sequence(),
            None => Ok(None),
        }
    }
}

/// The archive with this sequence in its manifest, in the place of any that it has; everything else in it stays as it was. A
/// signature, which no longer fits, is left out: sign it anew.
///
/// # Errors
/// When the archive isn't a good bundle, or `sequence` is above [`MAX_SEQUENCE`].
pub fn with_sequence(archive: &[u8], sequence: u64, limits: &Limits) -> Result<Vec<u8>, BundleError> {
    if sequence > MAX_SEQUENCE {
        return Err(BundleError::Manifest(format!(
            "the sequence {sequence} is too large; expected at most {MAX_SEQUENCE}"
        )));
    }
    let mut files = Bundle::read(archive, &Verification::Unsigned, limits)?.into_files();
    files.remove(super::SIGNATURES);
    state(&mut files, sequence)?;
    archive::write(
        files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice())),
    )
}

fn state(files: &mut Files, sequence: u64) -> Result<(), BundleError> {
    if let Some(protobuf) = files.get_mut(MANIFEST_PROTOBUF) {
        let mut ours = match Manifest::parse_protobuf(protobuf)?.metadata.remove(OURS) {
            Some(serde_json::Value::Object(ours)) => ours,
            _ => serde_json::Map::new(),
        };
        ours.insert(SEQUENCE.to_owned(), sequence.into());
        protobuf.extend(super::manifest::metadata_to_protobuf(OURS, ours));
        return Ok(());
    }
    // Through values that keep a number's digits, and whatever else is in there.
    let manifest = match files.get(MANIFEST) {
        Some(text) => {
            Value::from_json_slice(text).map_err(|error| BundleError::Manifest(error.to_string()))?
        }
        None => Value::object_from([
            ("revision", Value::string("")),
            ("roots", Value::from(vec![Value::string("")])),
        ]),
    };
    let metadata = manifest.get("metadata").cloned().unwrap_or(Value::Null);
    let ours = metadata.get(OURS).cloned().unwrap_or(Value::Null);
    let ours = with(&ours, SEQUENCE, Value::from(sequence));
    let mut text = with(&manifest, "metadata", with(&metadata, OURS, ours)).to_json();
    text.push('\n');
    files.insert(MANIFEST.to_owned(), text.into_bytes());
    Ok(())
}

/// The object with another member; one of its own where it is none.
fn with(object: &Value, name: &str, member: Value) -> Value {
    let mut changed: Object = object.as_object().cloned().unwrap_or_default();
    changed.insert(Value::string(name), member);
    Value::Object(changed)
}

/// A whole number, as JSON or as protobuf has it.
fn whole(number: &serde_json::Value) -> Option<u64> {
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "the bound itself is one that a double holds exactly"
        )]
        let in_bounds = (0.0..=MAX_SEQUENCE as f64).contains(&float);
        // Written without a fraction, a double in these bounds is read back as it was.
        (in_bounds && float.fract() == 0.0).then(|| format!("{float:.0}").parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use postern_jose::{Algorithm, LocalSigner};

    use super::super::{BundleBuilder, VerificationKey, sign};
    use super::*;

    fn read(archive: &[u8]) -> Bundle {
        Bundle::read(archive, &Verification::Unsigned, &Limits::default()).unwrap()
    }

    fn stated(archive: &[u8]) -> Option<u64> {
        read(archive).manifest().sequence().unwrap()
    }

    fn put(archive: &[u8], sequence: u64) -> Vec<u8> {
        with_sequence(archive, sequence, &Limits::default()).unwrap()
    }

    fn archive_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        archive::write(files.iter().copied()).unwrap()
    }

    #[test]
    fn it_counts_only_where_the_signature_was_proved() {
        let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
        let archive = put(&BundleBuilder::new("r1").build().unwrap(), 7);
        let signed = sign(&archive, &signer, "a", &Limits::default()).unwrap();
        let key = VerificationKey::new("a", Algorithm::ES256, signer.public_jwk()).unwrap();
        let trusting = Verification::keys([key]).unwrap();
        let bundle = Bundle::read(&signed, &trusting, &Limits::default()).unwrap();
        assert_eq!(bundle.sequence(), Ok(Some(7)));
        assert_eq!(
            read(&signed).sequence(),
            Ok(None),
            "anybody could have written it"
        );
        // Another one under the old signature is no bundle at all.
        let forged = put(&signed, 8);
        assert_eq!(
            Bundle::read(&forged, &trusting, &Limits::default()).unwrap_err(),
            BundleError::SignatureMissing
        );
    }

    #[test]
    fn all_else_in_a_manifest_stays_as_it_was() {
        let manifest = br#"{"revision":"r1","roots":["a"],"rego_version":0,"x":1.50,
            "metadata":{"cost":12345678901234567890.10,"postern":{"sequence":3,"by":"ci"}}}"#;
        let data = br#"{"a":{"k":1}}"#;
        let archive = put(&archive_of(&[(".manifest", manifest), ("data.json", data)]), 9);
        let bundle = read(&archive);
        assert_eq!(
            bundle.file(".manifest").map(String::from_utf8_lossy).unwrap(),
            "{\"metadata\":{\"cost\":12345678901234567890.10,\"postern\":{\"by\":\"ci\",\"sequence\":9}},\"rego_version\":0,\
             \"revision\":\"r1\",\"roots\":[\"a\"],\"x\":1.50}\n"
        );
        assert_eq!(bundle.file("data.json"), Some(data.as_slice()));
        assert_eq!(stated(&archive), Some(9));
    }

    #[test]
    fn a_bundle_without_a_manifest_gets_one_that_says_nothing_else() {
        let bare = archive_of(&[("a.rego", b"package a")]);
        let archive = put(&bare, 0);
        assert_eq!(stated(&archive), Some(0));
        let (before, after) = (read(&bare), read(&archive));
        assert_eq!(
            (&before.manifest().roots, before.revision()),
            (&after.manifest().roots, after.revision())
        );
    }

    #[test]
    fn a_manifest_in_protobuf_keeps_what_we_do_not_read() {
        // Revision "r1", an unknown field 15, metadata {"team": "shop"}.
        let manifest = b"\x0a\x02r1\x7a\x03abc\x32\x10\x0a\x0e\x0a\x04team\x12\x06\x1a\x04shop";
        let bare = archive_of(&[(".manifest.pb", manifest)]);
        assert_eq!(read(&bare).manifest().metadata["team"], "shop");
        let archive = put(&put(&bare, 4), MAX_SEQUENCE);
        assert_eq!(stated(&archive), Some(MAX_SEQUENCE));
        let bundle = read(&archive);
        assert_eq!(
            (bundle.revision(), &bundle.manifest().metadata["team"]),
            ("r1", &"shop".into())
        );
        assert!(bundle.file(".manifest.pb").unwrap().starts_with(manifest));
    }

    #[test]
    fn what_is_no_sequence_is_told() {
        for stated in ["-1", "1.5", "\"7\"", "null", "9007199254740992", "1e300"] {
            let manifest = format!(r#"{{"metadata":{{"postern":{{"sequence":{stated}}}}}}}"#);
            let bundle = read(&archive_of(&[(".manifest", manifest.as_bytes())]));
            let error = bundle.manifest().sequence().unwrap_err().to_string();
            assert!(error.contains("metadata.postern.sequence"), "{stated}: {error}");
        }
        for other in ["{}", r#"{"postern":7}"#, r#"{"sequence":7}"#] {
            let manifest = format!(r#"{{"metadata":{other}}}"#);
            assert_eq!(
                stated(&archive_of(&[(".manifest", manifest.as_bytes())])),
                None,
                "{other}"
            );
        }
        let bare = BundleBuilder::new("r1").build().unwrap();
        assert!(with_sequence(&bare, MAX_SEQUENCE + 1, &Limits::default()).is_err());
    }
}
