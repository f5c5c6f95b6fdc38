//! Signatures are proved as OPA proves them by its configuration: bundles that OPA itself signed, and what it says of those
//! that don't pass.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use postern_jose::{Algorithm, LocalSigner};
use postern_policy::{Bundle, Limits, OpaKey, OpaVerification, Verification};
use tempfile::TempDir;

/// A folder with keys of every kind and an unsigned bundle's files.
struct World {
    folder: TempDir,
    public: BTreeMap<&'static str, String>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut public = BTreeMap::from([("HS256", "a secret".to_owned())]);
        for (name, algorithm) in [("ES256", Algorithm::ES256), ("RS256", Algorithm::RS256)] {
            let signer = LocalSigner::generate(algorithm).unwrap();
            let private = signer.to_pkcs8_pem().unwrap();
            fs::write(folder.path().join(name), private.as_bytes()).unwrap();
            public.insert(name, signer.public_jwk().to_spki_pem().unwrap());
        }
        fs::write(folder.path().join("HS256"), "a secret").unwrap();
        public.insert("PS256", public["RS256"].clone());
        fs::copy(folder.path().join("RS256"), folder.path().join("PS256")).unwrap();
        fs::create_dir_all(folder.path().join("policy/more")).unwrap();
        fs::write(folder.path().join("policy/p.rego"), "package a\n\nx := 1\n").unwrap();
        fs::write(folder.path().join("policy/more/data.json"), r#"{"b": [1.0]}"#).unwrap();
        Self { folder, public }
    }

    /// The archive, signed by OPA with these claims.
    fn signed(&self, algorithm: &str, claims: &str) -> Vec<u8> {
        let folder = self.folder.path();
        fs::write(folder.join("claims.json"), claims).unwrap();
        let sign = ["--signing-key", algorithm, "--signing-alg", algorithm];
        let rest = ["--claims-file", "claims.json", "-o", "b.tar.gz", "-b", "policy"];
        support::run_well(folder, &[&["build"][..], &sign, &rest].concat());
        fs::read(folder.join("b.tar.gz")).unwrap()
    }

    fn unsigned(&self) -> Vec<u8> {
        support::run_well(self.folder.path(), &["build", "-o", "u.tar.gz", "-b", "policy"]);
        fs::read(self.folder.path().join("u.tar.gz")).unwrap()
    }

    fn trust(&self, algorithm: &str) -> OpaVerification {
        let key = OpaKey {
            key: self.public[algorithm].clone(),
            algorithm: algorithm.to_owned(),
            scope: None,
        };
        OpaVerification {
            keys: [("mine".to_owned(), key)].into(),
            is_required: true,
            ..OpaVerification::default()
        }
    }
}

fn read(archive: &[u8], opa: &OpaVerification) -> Result<Option<String>, String> {
    let verification = Verification::AsOpa(Arc::new(opa.clone()));
    Bundle::read(archive, &verification, &Limits::default())
        .map(|bundle| bundle.signed_by().map(str::to_owned))
        .map_err(|error| error.to_string())
}

#[test]
fn what_opa_signs_is_proved_whatever_the_algorithm() {
    let world = World::new();
    for algorithm in ["ES256", "RS256", "PS256", "HS256"] {
        let archive = world.signed(algorithm, r#"{"keyid": "mine"}"#);
        let by = read(&archive, &world.trust(algorithm));
        assert_eq!(by.unwrap().as_deref(), Some("mine"), "{algorithm}");
        let mut other = world.trust(algorithm);
        let key = other.keys.get_mut("mine").unwrap();
        key.key = World::new().public[algorithm].clone() + if algorithm == "HS256" { "!" } else { "" };
        let refused = read(&archive, &other).unwrap_err();
        assert!(
            refused.starts_with("failed to verify JWT signature"),
            "{algorithm}: {refused}"
        );
    }
}

#[test]
fn the_configured_key_goes_before_the_one_that_the_signature_names() {
    let world = World::new();
    let archive = world.signed("ES256", r#"{"keyid": "theirs"}"#);
    let mut trust = world.trust("ES256");
    let refused = read(&archive, &trust).unwrap_err();
    assert_eq!(refused, "verification key corresponding to ID theirs not found");
    trust.key_id = Some("mine".to_owned());
    assert_eq!(read(&archive, &trust).unwrap().as_deref(), Some("mine"));
    let nobody = world.signed("ES256", "{}");
    trust.key_id = None;
    assert_eq!(read(&nobody, &trust).unwrap_err(), "verification key ID is empty");
}

#[test]
fn a_scope_must_be_the_one_that_is_asked_for() {
    let world = World::new();
    let scoped = world.signed("ES256", r#"{"keyid": "mine", "scope": "write"}"#);
    let mut trust = world.trust("ES256");
    assert_eq!(read(&scoped, &trust).unwrap_err(), "scope mismatch");
    trust.keys.get_mut("mine").unwrap().scope = Some("write".to_owned());
    assert!(read(&scoped, &trust).is_ok());
    trust.scope = Some("read".to_owned());
    assert_eq!(read(&scoped, &trust).unwrap_err(), "scope mismatch");
}

#[test]
fn a_signature_is_optional_where_nothing_asks_for_one_and_good_where_there_is_one() {
    let world = World::new();
    let unsigned = world.unsigned();
    let mut trust = world.trust("ES256");
    let refused = read(&unsigned, &trust).unwrap_err();
    assert_eq!(refused, "bundle missing .signatures.json file");
    trust.is_required = false;
    assert_eq!(read(&unsigned, &trust).unwrap(), None);
    let signed = world.signed("RS256", r#"{"keyid": "mine"}"#);
    assert!(
        read(&signed, &trust)
            .unwrap_err()
            .starts_with("failed to verify JWT signature")
    );
    let nothing = OpaVerification::default();
    assert_eq!(read(&unsigned, &nothing).unwrap(), None);
    assert!(
        read(&signed, &nothing)
            .unwrap_err()
            .starts_with("verification key not provided")
    );
}

#[test]
fn excluded_files_need_no_signature_and_others_do() {
    let world = World::new();
    let signatures = {
        let archive = world.signed("ES256", r#"{"keyid": "mine"}"#);
        let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
        bundle
            .files()
            .map(|(path, content)| (path.to_owned(), content.to_vec()))
            .collect::<Vec<_>>()
    };
    let changed = |path: &str| {
        let files = signatures.iter().map(|(name, content)| {
            let content = if name == path {
                b"package a\n\nx := 2\n".to_vec()
            } else {
                content.clone()
            };
            (name.clone(), content)
        });
        files.collect::<Vec<_>>()
    };
    let read = |files: Vec<(String, Vec<u8>)>, trust: &OpaVerification| {
        let verification = Verification::AsOpa(Arc::new(trust.clone()));
        Bundle::of_files(files, &verification, &Limits::default()).map_err(|error| error.to_string())
    };
    let rego = signatures
        .iter()
        .find(|(name, _)| name.ends_with(".rego"))
        .unwrap()
        .0
        .clone();
    let mut trust = world.trust("ES256");
    assert!(read(signatures.clone(), &trust).is_ok());
    let refused = read(changed(&rego), &trust).unwrap_err();
    assert!(
        refused.contains("was changed after the bundle was signed"),
        "{refused}"
    );
    trust.exclude_files = vec!["[".to_owned(), "*.rego".to_owned(), "*/*.rego".to_owned()];
    assert!(read(changed(&rego), &trust).is_ok());
    trust.exclude_files = vec!["*".to_owned()];
    let nested = signatures
        .iter()
        .find(|(name, _)| name.contains('/'))
        .map(|(name, _)| name.clone());
    if let Some(nested) = nested {
        assert!(read(changed(&nested), &trust).is_err(), "a star stops at slashes");
    }
}
