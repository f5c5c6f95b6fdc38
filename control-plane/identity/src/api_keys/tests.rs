//! API keys against a real database.

use aws_lc_rs::digest;
use postern_proto::sync::v1::Delta;
use postern_store::testing::{ManualClock, SeededEntropy};
use postern_store::{CHANGE_LOG_MIGRATIONS, Position};
use prost::Message;

use super::*;

const NOW: i64 = 1_700_000_000;

struct House {
    keys: ApiKeys,
    clock: Arc<ManualClock>,
    start: Position,
    folder: tempfile::TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("postern.db")).await.unwrap();
    database
        .migrate_all(&[CHANGE_LOG_MIGRATIONS, crate::MIGRATIONS])
        .await
        .unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(5));
    let log = ChangeLog::open(database.clone(), Arc::clone(&entropy))
        .await
        .unwrap();
    House {
        start: log.head().await.unwrap(),
        keys: ApiKeys::new(database, log, Arc::clone(&clock) as Arc<dyn Clock>, entropy),
        clock,
        folder,
    }
}

impl House {
    async fn create(&self, name: &str, expires_at: i64) -> Result<MadeApiKey, ApiKeyError> {
        let scopes = ["orders:read".to_owned()];
        let request = ApiKeyRequest::parse("batch", name, &scopes, expires_at, self.keys.now()).unwrap();
        self.keys.create(request).await
    }

    async fn changes(&self) -> Vec<Delta> {
        let changes = self.keys.log.after(&self.start, 1_000).await.unwrap().unwrap();
        let decode = |change: postern_store::Change| Delta::decode(change.bytes.as_slice()).unwrap();
        changes.into_iter().map(decode).collect()
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_sidecars_are_told_its_hash() {
    let house = house().await;
    let made = house.create("nightly", NOW + 10).await.unwrap();
    let text = made.key.expose().to_owned();
    let secret = text
        .strip_prefix(&format!("postern_key_{}_", made.api_key.id))
        .unwrap();
    assert_eq!(secret.len(), 43);
    assert_eq!(
        house.keys.list(0, "").await.unwrap().api_keys,
        std::slice::from_ref(&made.api_key)
    );

    let changes = house.changes().await;
    let told = &changes[0].api_keys[0];
    assert_eq!(
        told.sha256,
        digest::digest(&digest::SHA256, text.as_bytes()).as_ref()
    );
    assert_eq!(
        (told.subject.as_str(), told.name.as_str(), told.expires_at),
        ("batch", "nightly", NOW + 10)
    );
    assert_eq!(house.keys.part("", 10).await.unwrap(), std::slice::from_ref(told));

    house.keys.database.close().await;
    for entry in std::fs::read_dir(house.folder.path())
        .unwrap()
        .map(Result::unwrap)
    {
        let bytes = std::fs::read(entry.path()).unwrap();
        let shows = bytes.windows(16).any(|window| window == &secret.as_bytes()[..16]);
        assert!(!shows, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_revoked_key_is_gone_and_sidecars_are_told() {
    let house = house().await;
    let made = house.create("a", 0).await.unwrap();
    house.keys.revoke(made.api_key.id.as_str()).await.unwrap();
    assert_eq!(house.keys.list(0, "").await.unwrap().api_keys, []);
    assert_eq!(
        house.changes().await[1].api_keys_removed,
        [made.api_key.id.to_string()]
    );
    for id in [made.api_key.id.as_str(), "", "x"] {
        assert!(matches!(house.keys.revoke(id).await, Err(ApiKeyError::NotFound)));
    }
    assert_eq!(house.changes().await.len(), 2);
}

#[tokio::test]
async fn pages_have_each_key_once() {
    let house = house().await;
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(house.create(&n.to_string(), 0).await.unwrap().api_key);
    }
    made.sort_by(|one, other| one.id.cmp(&other.id));
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let page = house.keys.list(3, &token).await.unwrap();
        listed.extend(page.api_keys);
        let Some(next) = page.next else { break };
        token = next.to_string();
    }
    assert_eq!(listed, made);
    assert!(matches!(
        house.keys.list(3, "?").await,
        Err(ApiKeyError::PageToken)
    ));
}

#[tokio::test]
async fn an_expired_key_is_listed_for_a_while_and_then_forgotten() {
    let house = house().await;
    house.create("short", NOW + 10).await.unwrap();
    house.create("endless", 0).await.unwrap();
    house.clock.advance(10 + LISTED_AFTER_SECONDS);
    assert_eq!(house.keys.purge(10).await.unwrap(), 0);
    assert_eq!(house.keys.list(0, "").await.unwrap().api_keys.len(), 2);
    house.clock.advance(1);
    assert_eq!(house.keys.purge(10).await.unwrap(), 1);
    assert_eq!(house.keys.list(0, "").await.unwrap().api_keys.len(), 1);
}

#[tokio::test]
async fn there_is_a_most() {
    let mut house = house().await;
    house.keys.max_keys = 1;
    let made = house.create("a", 0).await.unwrap();
    assert!(matches!(house.create("b", 0).await, Err(ApiKeyError::Full)));
    house.keys.revoke(made.api_key.id.as_str()).await.unwrap();
    house.create("b", 0).await.unwrap();
}
