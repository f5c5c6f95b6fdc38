use postern_jose::{Algorithm, LocalSigner};
use proptest::prelude::*;

use super::*;

fn signer() -> LocalSigner {
    LocalSigner::generate(Algorithm::ES256).unwrap()
}

fn trusting(key_id: &str, signer: &LocalSigner) -> Verification {
    Verification::keys([VerificationKey::new(key_id, Algorithm::ES256, signer.public_jwk()).unwrap()])
        .unwrap()
}

fn example() -> Vec<u8> {
    BundleBuilder::new("r1")
        .roots(["orders", "roles"])
        .metadata("team", "shop".into())
        .file("orders.rego", "package orders")
        .data(r#"{"roles": {"admin": [1, 2.50]}}"#)
        .file("orders/limits/data.json", r#"{"a": "\u00e9"}"#)
        .plan("{\"plan\": 1}")
        .build()
        .unwrap()
}

fn read(archive: &[u8], verification: &Verification) -> Result<Bundle, BundleError> {
    Bundle::read(archive, verification, &Limits::default())
}

/// The archive with other files under the old signature.
fn tampered(archive: &[u8], change: impl FnOnce(&mut Files)) -> Vec<u8> {
    let mut files = archive::read(archive, &Limits::default()).unwrap();
    change(&mut files);
    archive::write(
        files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice())),
    )
    .unwrap()
}

#[test]
fn what_was_built_is_read() {
    let bundle = read(&example(), &Verification::Unsigned).unwrap();
    assert_eq!(bundle.revision(), "r1");
    assert_eq!(bundle.manifest().roots, ["orders", "roles"]);
    assert_eq!(bundle.manifest().metadata["team"], "shop");
    assert_eq!(
        bundle.data().to_json(),
        r#"{"orders":{"limits":{"a":"é"}},"roles":{"admin":[1,2.50]}}"#
    );
    assert_eq!(bundle.plan(), Some(PlanFile::Json(b"{\"plan\": 1}")));
    assert_eq!(
        bundle.modules().collect::<Vec<_>>(),
        [("orders.rego", b"package orders".as_slice())]
    );
    assert_eq!(bundle.signed_by(), None);
    assert_eq!(bundle.claimed_key_id().unwrap(), None);
    assert_eq!(example(), example(), "the same contents make the same bytes");
}

#[test]
fn a_signed_bundle_is_read_with_its_key() {
    let signer = signer();
    let signed = sign(&example(), &signer, "demo", &Limits::default()).unwrap();
    let bundle = read(&signed, &trusting("demo", &signer)).unwrap();
    assert_eq!(bundle.signed_by(), Some("demo"));
    assert_eq!(bundle.claimed_key_id().unwrap().as_deref(), Some("demo"));
    assert_eq!(
        bundle.data(),
        read(&example(), &Verification::Unsigned).unwrap().data()
    );
    // Signing again replaces the signature.
    let again = sign(&signed, &signer, "other", &Limits::default()).unwrap();
    assert_eq!(
        read(&again, &trusting("other", &signer)).unwrap().signed_by(),
        Some("other")
    );
}

#[test]
fn every_algorithm_of_the_vocabulary_signs() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let signer = LocalSigner::generate(algorithm).unwrap();
        let key = VerificationKey::new("k", algorithm, signer.public_jwk()).unwrap();
        let signed = sign(&example(), &signer, "k", &Limits::default()).unwrap();
        assert!(
            read(&signed, &Verification::keys([key]).unwrap()).is_ok(),
            "{algorithm}"
        );
    }
}

#[test]
fn without_a_good_signature_nothing_is_read() {
    let (signer, other) = (signer(), signer());
    let signed = sign(&example(), &signer, "demo", &Limits::default()).unwrap();
    let refusal = |archive: &[u8], trust: &Verification| read(archive, trust).unwrap_err().to_string();

    assert!(refusal(&example(), &trusting("demo", &signer)).contains("has no signature"));
    let unknown = refusal(&signed, &trusting("prod", &signer));
    assert!(
        unknown.contains("signed with key `demo`") && unknown.contains("(prod)"),
        "{unknown}"
    );
    assert!(refusal(&signed, &trusting("demo", &other)).contains("the signature is not by key `demo`"));

    let mut scoped = VerificationKey::new("demo", Algorithm::ES256, signer.public_jwk()).unwrap();
    scoped.scope = "write".to_owned();
    let scoped = Verification::keys([scoped]).unwrap();
    assert!(refusal(&signed, &scoped).contains("scope is empty, and key `demo` is for `write`"));
}

#[test]
fn a_changed_missing_or_added_file_is_named() {
    let signer = signer();
    let trust = trusting("demo", &signer);
    let signed = sign(&example(), &signer, "demo", &Limits::default()).unwrap();
    let refusal = |change: fn(&mut Files)| read(&tampered(&signed, change), &trust).unwrap_err();
    let path = |path: &str| path.to_owned();

    assert_eq!(
        refusal(|files| files.get_mut("plan.json").unwrap().push(b' ')),
        BundleError::FileChanged {
            path: path("plan.json")
        }
    );
    assert_eq!(
        refusal(|files| *files.get_mut("data.json").unwrap() = br#"{"roles":{"admin":[1,2.5]}}"#.to_vec()),
        BundleError::FileChanged {
            path: path("data.json")
        }
    );
    assert_eq!(
        refusal(|files| drop(files.remove("orders.rego"))),
        BundleError::FileMissing {
            path: path("orders.rego")
        }
    );
    assert_eq!(
        refusal(|files| drop(files.insert("a.txt".to_owned(), Vec::new()))),
        BundleError::FileNotSigned { path: path("a.txt") }
    );
    assert_eq!(
        refusal(|files| drop(files.remove(SIGNATURES))),
        BundleError::SignatureMissing
    );
}

#[test]
fn spaces_in_structured_files_are_free_as_in_opa() {
    let signer = signer();
    let signed = sign(&example(), &signer, "demo", &Limits::default()).unwrap();
    let spaced = tampered(&signed, |files| {
        *files.get_mut("data.json").unwrap() = b"{ \"roles\" :{\"admin\":[1,2.50]}}\n".to_vec();
    });
    assert!(read(&spaced, &trusting("demo", &signer)).is_ok());
}

#[test]
fn ill_formed_signatures_say_what_is_wrong() {
    let signer = signer();
    let signed = sign(&example(), &signer, "demo", &Limits::default()).unwrap();
    let cases: [(&str, &str); 7] = [
        ("", "`.signatures.json`: expected a JSON object"),
        ("{}", "holds no signature"),
        (r#"{"signatures":[]}"#, "holds no signature"),
        (r#"{"signatures":["a.b.c","a.b.c"]}"#, "more than one signature"),
        (
            r#"{"signatures":["a.b.c"],"plugin":"custom"}"#,
            "verification plugin",
        ),
        (r#"{"signatures":["nonsense"]}"#, "malformed"),
        (r#"{"signatures":[7]}"#, "invalid type"),
    ];
    for (text, expected) in cases {
        let archive = tampered(&signed, |files| {
            *files.get_mut(SIGNATURES).unwrap() = text.as_bytes().to_vec();
        });
        let error = read(&archive, &trusting("demo", &signer))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn the_payload_of_a_signature_is_held_to_its_form() {
    let signer = signer();
    let unsigned = example();
    let with_payload = |payload: &str| {
        let token = postern_jose::sign_compact(&signer, None, payload.as_bytes()).unwrap();
        tampered(&unsigned, |files| {
            files.insert(
                SIGNATURES.to_owned(),
                format!(r#"{{"signatures":["{token}"]}}"#).into_bytes(),
            );
        })
    };
    let trust = trusting(Signer::key_id(&signer), &signer);
    let file =
        |name: &str, algorithm: &str| format!(r#"{{"name":"{name}","hash":"00","algorithm":"{algorithm}"}}"#);
    let cases = [
        ("[]".to_owned(), "its payload: "),
        (r#"{"files":[]}"#.to_owned(), "its signature doesn't cover it"),
        (
            format!(r#"{{"files":[{0},{0}]}}"#, file("a", "SHA-256")),
            "lists a file twice",
        ),
        (
            format!(r#"{{"files":[{}]}}"#, file(".manifest", "MD5")),
            "by its MD5 digest",
        ),
        (
            format!(r#"{{"files":[{}]}}"#, file(".manifest", "SHA-256")),
            "`.manifest` was changed",
        ),
        (
            format!(r#"{{"files":[{}]}}"#, file("../x", "SHA-256")),
            "the path `../x`",
        ),
    ];
    for (payload, expected) in cases {
        let error = read(&with_payload(&payload), &trust).unwrap_err().to_string();
        assert!(error.contains(expected), "{payload}: {error}");
    }
}

#[test]
fn what_opa_would_interpret_and_we_do_not_is_refused_by_name() {
    for path in [
        "patch.json",
        "sub/.manifest.pb",
        "a/.manifest",
        "a/.signatures.json",
    ] {
        let archive = archive::write([(path, b"{}".as_slice())]).unwrap();
        let error = read(&archive, &Verification::Unsigned).unwrap_err();
        assert!(
            matches!(&error, BundleError::Unsupported { path: named, .. } if named == path),
            "{path}: {error}"
        );
    }
}

#[test]
fn unsound_contents_are_not_built() {
    let build = |builder: BundleBuilder| builder.build().unwrap_err().to_string();
    assert!(build(BundleBuilder::new("r").file("../x", "")).contains("`../x`"));
    assert!(
        build(BundleBuilder::new("r").file("/a", "").file("a", "")).contains("`a` is in the bundle twice")
    );
    assert!(build(BundleBuilder::new("r").data("nonsense")).contains("`data.json`"));
    assert!(
        build(BundleBuilder::new("r").roots(["a"]).data(r#"{"b":1}"#))
            .contains("outside the bundle's roots (a)")
    );
    assert!(build(BundleBuilder::new("r").roots(["a", "a/b"])).contains("overlap"));
}

#[test]
fn keys_that_cannot_be_used_are_refused_when_configured() {
    let signer = signer();
    let key = || VerificationKey::new("k", Algorithm::ES256, signer.public_jwk()).unwrap();
    assert!(
        Verification::keys([key(), key()])
            .unwrap_err()
            .to_string()
            .contains("configured twice")
    );
    assert!(
        Verification::keys([])
            .unwrap_err()
            .to_string()
            .contains("at least one")
    );
    assert!(VerificationKey::new("k", Algorithm::RS256, signer.public_jwk()).is_err());
    assert!(
        VerificationKey::from_pem("k", Algorithm::ES256, "nonsense")
            .unwrap_err()
            .to_string()
            .starts_with("key `k`: ")
    );
}

/// Everything that a bundle says.
fn content(bundle: &Bundle) -> (String, String, Vec<(String, Vec<u8>)>) {
    // Spaces in structured files and the bytes of the signature's file aren't content.
    let files = bundle
        .files()
        .filter(|(path, _)| !digest::is_structured(path) && *path != SIGNATURES)
        .map(|(path, content)| (path.to_owned(), content.to_vec()))
        .collect();
    (format!("{:?}", bundle.manifest()), bundle.data().to_json(), files)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any byte of any file of a signed bundle, changed to any other.
    #[test]
    fn a_mutated_byte_is_never_accepted_with_other_content(file in 0_usize..7, at in any::<prop::sample::Index>(), bits in 1_u8..) {
        let signer = signer();
        let trust = trusting("demo", &signer);
        let signed = sign(&example(), &signer, "demo", &Limits::default()).unwrap();
        let honest = content(&read(&signed, &trust).unwrap());
        let mutated = tampered(&signed, |files| {
            let count = files.len();
            let content = files.values_mut().nth(file % count).unwrap();
            let at = at.index(content.len());
            content[at] ^= bits;
        });
        if let Ok(bundle) = read(&mutated, &trust) {
            prop_assert_eq!(content(&bundle), honest);
        }
    }

    /// The archive as a whole, damaged at random: bytes changed, cut out, doubled.
    #[test]
    fn a_corrupted_archive_is_refused_or_identical(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..8),
    ) {
        let signer = signer();
        let trust = trusting("demo", &signer);
        let signed = sign(&example(), &signer, "demo", &Limits::default()).unwrap();
        let honest = content(&read(&signed, &trust).unwrap());
        let mut corrupted = signed;
        for (at, byte, how) in damage {
            let at = at.index(corrupted.len());
            match how {
                0 => corrupted[at] = byte,
                1 => drop(corrupted.remove(at)),
                _ => corrupted.insert(at, byte),
            }
        }
        if let Ok(bundle) = read(&corrupted, &trust) {
            prop_assert_eq!(content(&bundle), honest);
        }
    }

    /// The same below the checksum of gzip, where the tar itself is read.
    #[test]
    fn a_corrupted_tar_is_refused_or_identical(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        use std::io::{Read as _, Write as _};
        let signer = signer();
        let trust = trusting("demo", &signer);
        let signed = sign(&example(), &signer, "demo", &Limits::default()).unwrap();
        let honest = content(&read(&signed, &trust).unwrap());
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(signed.as_slice()).read_to_end(&mut tar).unwrap();
        for (at, byte) in damage {
            let at = at.index(tar.len());
            tar[at] = byte;
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar).unwrap();
        if let Ok(bundle) = read(&gzip.finish().unwrap(), &trust) {
            prop_assert_eq!(content(&bundle), honest);
        }
    }

    #[test]
    fn anything_that_can_be_built_is_read_back(
        revision in ".{0,20}",
        files in prop::collection::btree_map("[a-z]{1,8}(/[a-z.]{1,8}[a-z]){0,2}\\.txt", prop::collection::vec(any::<u8>(), 0..200), 0..8),
        numbers in prop::collection::vec(any::<i64>(), 0..5),
    ) {
        let data = serde_json::json!({"numbers": numbers}).to_string();
        let mut builder = BundleBuilder::new(revision.clone()).data(data.clone());
        for (path, content) in &files {
            builder = builder.file(path.clone(), content.clone());
        }
        let Ok(archive) = builder.build() else { return Ok(()) };
        let bundle = read(&archive, &Verification::Unsigned).unwrap();
        prop_assert_eq!(bundle.revision(), revision);
        prop_assert_eq!(bundle.data().to_json(), data);
        for (path, expected) in &files {
            prop_assert_eq!(bundle.files().find(|(own, _)| own == path).map(|(_, content)| content), Some(expected.as_slice()));
        }
    }
}
