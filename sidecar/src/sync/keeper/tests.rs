//! What is on disk when keeping has ended.

use postern_decide::revocation::Heard;

use super::*;
use crate::clock;
use crate::config::Config;
use crate::sync::lists::{Event, Part, Revocation, Tokens, Which};
use crate::sync::testing::context;

const SOURCE: &str = "http://127.0.0.1:1";
const CONFIG: &str = "\
data_dir: data
ext_authz: { listen: [\"unix:s\"] }
admin: { listen: \"127.0.0.1:0\" }
issuers: []
routes: [ { name: all, accept: anonymous, policy: off } ]
";

/// All that is on the lists at this sequence: as many revocations.
fn lists(sequence: u32) -> Lists {
    let revocation = |number: u32| Revocation {
        tokens: Tokens {
            issuer: "https://a.example".to_owned(),
            which: Which::Text("jti".to_owned(), number.to_string()),
        },
        issued_before: None,
        expires_at: UnixTime(4_000_000_000),
    };
    let part = Part {
        first: true,
        last: true,
        position: Position {
            epoch: "epoch".into(),
            sequence: sequence.into(),
            check: sequence.into(),
        },
        revoked: (0..sequence).map(revocation).collect(),
        api_keys: Vec::new(),
    };
    let mut lists = Lists::unknown();
    lists.step(Event::Part(part), UnixTime(1)).unwrap();
    lists
}

#[tokio::test]
async fn what_came_last_is_on_disk_when_keeping_ends_however_little_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecar.yaml");
    std::fs::write(&path, CONFIG).unwrap();
    let context = context(&Config::load(&path).unwrap());
    let (told, heard) = watch::channel(Lists::unknown());
    let stop = CancellationToken::new();
    let keeping = tokio::spawn({
        let (context, stop) = (std::sync::Arc::clone(&context), stop.clone());
        async move { keep(&context, SOURCE, heard, stop).await }
    });
    let known = || {
        let lists = load(&context.disk, SOURCE, clock::now().seconds()).unwrap()?;
        assert!(!matches!(lists.revocations().heard(), Heard::NoStream));
        Some(lists.revocations().len())
    };
    told.send(lists(1)).unwrap();
    while known() != Some(1) {
        tokio::task::yield_now().await;
    }
    // During the pause after that write.
    told.send(lists(2)).unwrap();
    stop.cancel();
    keeping.await.unwrap();
    assert_eq!(known(), Some(2));
}
