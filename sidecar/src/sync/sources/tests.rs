//! A start from a disk that lies: what is good is used, what isn't is named, and nothing panics.

use std::path::PathBuf;

use postern_jose::{Algorithm, JwkSet, LocalSigner, UnixTime};
use postern_policy::BundleBuilder;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::prepared::PreparedPolicy;
use super::*;
use crate::clock;
use crate::config::Config;
use crate::disk::{DataFolder, Record};
use crate::sync::lists::{Delta, Event, Kept, Part, Position, Revocation, Tokens, Which};
use crate::sync::testing::context;

const CORRUPTIONS: u64 = 1_000;
const CONFIG: &str = r#"
data_dir: data
ext_authz: { listen: ["unix:s"] }
admin: { listen: "127.0.0.1:0" }
issuers:
- { issuer: "https://a.example", jwks_uri: "https://a.example/jwks", audiences: [api] }
- { issuer: "https://b.example", discovery: true, audiences: [api] }
policy: { bundle: demo, url: "http://127.0.0.1:1/b", entrypoint: orders/authz/decision, allow_unsigned: true }
control_plane: { grpc: "http://127.0.0.1:1" }
"#;

/// The parts of the state, and the file of each.
struct Disk {
    files: Vec<(&'static str, PathBuf, Vec<u8>)>,
}

fn lists() -> Lists {
    let position = Position {
        epoch: "epoch".into(),
        sequence: 7,
        check: 7,
    };
    let revocation = |number: u32| Revocation {
        tokens: Tokens {
            issuer: "https://a.example".to_owned(),
            which: Which::Text("jti".to_owned(), number.to_string()),
        },
        issued_before: None,
        expires_at: UnixTime(4_000_000_000),
    };
    let mut lists = Lists::unknown();
    let part = Part {
        first: true,
        last: true,
        position: position.clone(),
        revoked: (0..50).map(revocation).collect(),
        api_keys: Vec::new(),
    };
    lists.step(Event::Part(part), UnixTime(1)).unwrap();
    let delta = Delta {
        sequence: 8,
        check: 8,
        revoked: vec![revocation(50)],
        lifted: Vec::new(),
        api_keys: Vec::new(),
        api_keys_removed: Vec::new(),
    };
    lists.step(Event::Delta(delta), UnixTime(1)).unwrap();
    lists
}

impl Disk {
    fn write(disk: &DataFolder) -> Self {
        let now = clock::now().seconds().0;
        let record = |subject: &str, source: &str, content: Vec<u8>| Record {
            subject: subject.to_owned(),
            source: source.to_owned(),
            etag: Some("\"1\"".to_owned()),
            fetched_at: now,
            content,
        };
        let keys = || {
            let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
            JwkSet::new([signer.public_jwk()]).to_json().into_bytes()
        };
        let plan = include_str!("../../../../cli/demo/policy/plan.json");
        let bundle = BundleBuilder::new("r1").plan(plan).build().unwrap();
        let kept = Kept::of(&lists()).unwrap().to_bytes().unwrap();
        let written = [
            (
                "keys of https://a.example",
                disk.keys("https://a.example"),
                record("https://a.example", "https://a.example/jwks", keys()),
            ),
            (
                "keys of https://b.example",
                disk.keys("https://b.example"),
                record(
                    "https://b.example",
                    "https://b.example/.well-known/openid-configuration",
                    keys(),
                ),
            ),
            (
                "bundle demo",
                disk.bundle("demo"),
                record("demo", "http://127.0.0.1:1/b", bundle),
            ),
            (
                "revocations and API keys",
                disk.lists(),
                record("lists", "http://127.0.0.1:1", kept),
            ),
        ];
        let files = written.into_iter().map(|(part, path, record)| {
            record.write(&path).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            (part, path, bytes)
        });
        Self {
            files: files.collect(),
        }
    }

    fn restore(&self) {
        for (_, path, bytes) in &self.files {
            if path.is_dir() {
                std::fs::remove_dir(path).unwrap();
            }
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// Damages one file. Returns its part, and whether it is simply gone.
    fn damage(&self, random: &mut StdRng) -> (&'static str, bool) {
        let (part, path, bytes) = &self.files[random.random_range(0..self.files.len())];
        let mut bytes = bytes.clone();
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..8) {
            0 | 1 => bytes[at] ^= 1 << random.random_range(0..8),
            2 => bytes.truncate(at),
            3 => {
                let end = bytes.len().min(at + 512);
                bytes[at..end].fill(0);
            }
            4 => bytes.extend(std::iter::repeat_n(random.random::<u8>(), at)),
            5 => {
                // A record that is sound, and of something else.
                let other = &self.files[random.random_range(0..self.files.len())];
                bytes.clone_from(&other.2);
            }
            6 => {
                std::fs::remove_file(path).unwrap();
                return (part, true);
            }
            _ => {
                std::fs::remove_file(path).unwrap();
                std::fs::create_dir(path).unwrap();
                return (part, false);
            }
        }
        std::fs::write(path, bytes).unwrap();
        (part, false)
    }
}

/// Whether each part is there, whole.
fn loaded(prepared: &Prepared) -> [(&'static str, bool); 4] {
    let keys = |place: usize| {
        let keys = prepared.issuers[place].issuer.keys();
        keys.is_some_and(|keys| keys.len() == 1)
    };
    let policy = match &prepared.policy {
        PreparedPolicy::Other(_, Some(loaded)) => loaded.policy().revision().as_ref() == "r1",
        _ => false,
    };
    let lists = prepared.lists.as_ref().unwrap();
    [
        ("keys of https://a.example", keys(0)),
        ("keys of https://b.example", keys(1)),
        ("bundle demo", policy),
        (
            "revocations and API keys",
            lists.position().is_some_and(|position| position.sequence == 8)
                && lists.revocations().len() == 51,
        ),
    ]
}

#[tokio::test]
async fn a_thousand_corruptions_cost_what_they_hit_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecar.yaml");
    std::fs::write(&path, CONFIG).unwrap();
    let config = Config::load(&path).unwrap();
    let context = context(&config);
    let disk = Disk::write(&context.disk);
    let sources = Sources::new(Arc::clone(&context), Wakes::default()).unwrap();
    assert!(
        loaded(&sources.prepare_from_disk(&config).await)
            .iter()
            .all(|(_, whole)| *whole)
    );
    assert!(context.status.read().dropped.is_empty());

    let mut random = StdRng::seed_from_u64(8);
    let mut missed = 0;
    for number in 0..CORRUPTIONS {
        disk.restore();
        context.status.change(|state| state.dropped.clear());
        let (hit, gone) = disk.damage(&mut random);
        let prepared = sources.prepare_from_disk(&config).await;
        let dropped = context.status.read().dropped;
        for (part, whole) in loaded(&prepared) {
            if part != hit {
                assert!(whole, "{number}: {part} was lost by what hit {hit}");
            } else if !whole {
                missed += 1;
                let named = dropped.len() == 1 && dropped[0].starts_with(part);
                assert!(
                    named || (gone && dropped.is_empty()),
                    "{number}: {hit}: {dropped:?}"
                );
            } else {
                assert!(dropped.is_empty(), "{number}: {hit}: {dropped:?}");
            }
        }
    }
    // Now and then a file is put in its own place, or a byte keeps its value.
    assert!(missed > CORRUPTIONS * 8 / 10, "{missed}");
    sources.end().await;
}
