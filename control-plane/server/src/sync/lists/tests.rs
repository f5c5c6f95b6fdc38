//! What a client has that follows the stream's rules, against what is on the lists: over any sequence of changes, lost
//! connections, restarts and compactions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use postern_identity::{ApiKeyRequest, ApiKeys};
use postern_store::testing::{ManualClock, SeededEntropy};
use postern_store::{CHANGE_LOG_MIGRATIONS, Clock, Database, Entropy};
use postern_token::{ClaimValue, Revocation, RevokedTokens, Which};
use proptest::prelude::*;

use super::super::feed::Feed;
use super::*;

const NOW: i64 = 1_700_000_000;

/// The control plane, as far as the lists go.
struct Plane {
    lists: Lists,
    feed: Feed,
    clock: Arc<ManualClock>,
    database: Database,
}

impl Plane {
    async fn start(folder: &Path, clock: &Arc<ManualClock>, seed: u64) -> Self {
        let database = Database::open(&folder.join("postern.db")).await.unwrap();
        let migrations = [
            CHANGE_LOG_MIGRATIONS,
            postern_token::MIGRATIONS,
            postern_identity::MIGRATIONS,
        ];
        database.migrate_all(&migrations).await.unwrap();
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
        let time = Arc::clone(clock) as Arc<dyn Clock>;
        let log = ChangeLog::open(database.clone(), Arc::clone(&entropy))
            .await
            .unwrap();
        let revocations = Revocations::new(database.clone(), log.clone(), Arc::clone(&time));
        let api_keys = ApiKeys::new(database.clone(), log.clone(), Arc::clone(&time), entropy);
        let feed = Feed::open(log.clone(), time).await.unwrap();
        let mut lists = Lists::new(log, revocations, api_keys, feed.subscribe());
        lists.part = 2;
        Self {
            lists,
            feed,
            clock: Arc::clone(clock),
            database,
        }
    }

    fn entry(&self, n: u8, lives: i64) -> Revocation {
        let now = self.clock.unix_seconds();
        let which = Which::Claim {
            name: "jti".into(),
            value: ClaimValue::Integer(n.into()),
        };
        let issuer = "https://a.example".into();
        let tokens = RevokedTokens { issuer, which };
        Revocation::parse(tokens, "claim", 0, now + lives, String::new(), now).unwrap()
    }

    async fn revoke(&self, n: u8, lives: i64) -> Revocation {
        let entries = vec![self.entry(n, lives)];
        self.lists.revocations.revoke(entries).await.unwrap().remove(0)
    }
}

/// What is on both lists, in the form in which it is told.
#[derive(Debug, Clone, Default, PartialEq)]
struct Set {
    revoked: BTreeMap<String, proto::Revocation>,
    api_keys: BTreeMap<String, proto::ApiKey>,
}

impl Set {
    fn name(entry: &proto::Revocation) -> String {
        format!("{} {:?}", entry.issuer, entry.which)
    }

    fn add(&mut self, revoked: Vec<proto::Revocation>, api_keys: Vec<proto::ApiKey>) {
        self.revoked
            .extend(revoked.into_iter().map(|entry| (Self::name(&entry), entry)));
        self.api_keys
            .extend(api_keys.into_iter().map(|key| (key.id.clone(), key)));
    }

    fn live(&self, now: i64) -> Self {
        let mut live = self.clone();
        live.revoked.retain(|_, entry| entry.expires_at > now);
        live
    }
}

/// A client that does what the contract says, and checks what it is promised.
#[derive(Default)]
struct Client {
    set: Set,
    position: Option<Position>,
    arriving: Option<Set>,
    snapshots: u32,
}

impl Client {
    fn heed(&mut self, hint: Hint) {
        let position = |told: proto::Position| Position {
            epoch: told.epoch.into(),
            sequence: told.sequence,
            check: told.check,
        };
        match hint {
            Hint::Snapshot(part) => {
                assert!(part.revocations.len() + part.api_keys.len() <= 2, "{part:?}");
                if part.first {
                    self.arriving = Some(Set::default());
                }
                let arriving = self.arriving.as_mut().expect("a first part comes first");
                arriving.add(part.revocations, part.api_keys);
                if part.last {
                    self.set = self.arriving.take().unwrap();
                    self.position = part.position.map(position);
                    self.snapshots += 1;
                }
            }
            Hint::Delta(delta) => {
                assert!(self.arriving.is_none(), "no delta within a snapshot");
                let at = self.position.as_mut().expect("deltas follow on something");
                assert_eq!(delta.sequence, at.sequence + 1, "without a gap");
                at.sequence = delta.sequence;
                at.check = delta.check;
                self.set.add(delta.revoked, delta.api_keys);
                for entry in delta.lifted {
                    self.set.revoked.remove(&Set::name(&entry));
                }
                for id in delta.api_keys_removed {
                    self.set.api_keys.remove(&id);
                }
            }
            Hint::Heartbeat(heartbeat) => {
                assert_eq!(heartbeat.position.map(position), self.position);
            }
            Hint::Keys(_) | Hint::Bundle(_) | Hint::NonceKeys(_) => unreachable!("not told by lists"),
        }
    }

    /// Takes all there is.
    async fn catch_up(&mut self, telling: &mut Telling) {
        while let Some(hint) = telling.next().await.unwrap() {
            self.heed(hint);
        }
        self.heed(telling.heartbeat().expect("it has everything"));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Revoke(u8, i64),
    Lift(u8),
    CreateKey,
    RevokeKey(prop::sample::Index),
    Pass(i64),
    Purge,
    Compact(u32),
    /// The feed sees what was appended.
    Feed,
    /// The client takes this many messages.
    Read(u8),
    /// The connection is lost; whether the client comes back with its position.
    Reconnect(bool),
    /// The control plane starts again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..12, 1_i64..40).prop_map(|(n, lives)| Step::Revoke(n, lives)),
        3 => (0_u8..12).prop_map(Step::Lift),
        2 => Just(Step::CreateKey),
        1 => any::<prop::sample::Index>().prop_map(Step::RevokeKey),
        1 => (1_i64..15).prop_map(Step::Pass),
        1 => Just(Step::Purge),
        1 => (1_u32..6).prop_map(Step::Compact),
        3 => Just(Step::Feed),
        8 => (1_u8..4).prop_map(Step::Read),
        2 => any::<bool>().prop_map(Step::Reconnect),
        1 => Just(Step::Restart),
    ]
}

/// What was on the lists after each change.
struct Histories(Vec<Set>);

impl Histories {
    fn change(&mut self, change: impl FnOnce(&mut Set)) {
        let mut set = self.0.last().unwrap().clone();
        change(&mut set);
        self.0.push(set);
    }

    fn now(&self) -> &Set {
        self.0.last().unwrap()
    }

    /// At a position, a client misses nothing that was on the lists then and has been ever since (what was taken off
    /// since, a snapshot that was read meanwhile may lack).
    fn check(&self, client: &Client, now: i64) {
        let Some(position) = &client.position else { return };
        let at = usize::try_from(position.sequence).unwrap();
        for (name, entry) in &self.0[at].live(now).revoked {
            let ever_since = self.0[at..].iter().all(|set| set.revoked.contains_key(name));
            let has = client.set.revoked.get(name);
            assert!(
                !ever_since || has.is_some_and(|has| has.expires_at >= entry.expires_at),
                "{name} at {at}: {has:?}"
            );
        }
    }
}

async fn act(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let mut plane = Plane::start(folder.path(), &clock, 1).await;
    let mut histories = Histories(vec![Set::default()]);
    let mut client = Client::default();
    let mut telling = plane.lists.tell(None);
    for (n, step) in steps.into_iter().enumerate() {
        match step {
            Step::Revoke(n, lives) => {
                let entry = plane.revoke(n, lives).await;
                histories.change(|set| set.add(vec![(&entry).into()], vec![]));
            }
            Step::Lift(n) => {
                let tokens = plane.entry(n, 1).tokens;
                if let Ok(entry) = plane.lists.revocations.remove(&tokens.id()).await {
                    histories.change(|set| {
                        set.revoked.remove(&Set::name(&(&entry).into()));
                    });
                }
            }
            Step::CreateKey => {
                let request = ApiKeyRequest::parse("s", "n", &[], 0, NOW).unwrap();
                let made = plane.lists.api_keys.create(request).await.unwrap().api_key;
                let all = plane.lists.api_keys.part("", 1_000).await.unwrap();
                let key = all.into_iter().find(|key| key.id == made.id.as_str()).unwrap();
                histories.change(|set| set.add(vec![], vec![key]));
            }
            Step::RevokeKey(which) => {
                let ids: Vec<&String> = histories.now().api_keys.keys().collect();
                if !ids.is_empty() {
                    let id = (*which.get(&ids)).clone();
                    plane.lists.api_keys.revoke(&id).await.unwrap();
                    histories.change(|set| {
                        set.api_keys.remove(&id);
                    });
                }
            }
            Step::Pass(seconds) => clock.advance(seconds),
            Step::Purge => {
                plane.lists.revocations.purge(3).await.unwrap();
            }
            Step::Compact(keep) => {
                plane.lists.log.compact(keep, 10).await.unwrap();
            }
            Step::Feed => plane.feed.read().await.unwrap(),
            Step::Read(messages) => {
                for _ in 0..messages {
                    let Some(hint) = telling.next().await.unwrap() else {
                        break;
                    };
                    client.heed(hint);
                    histories.check(&client, clock.unix_seconds());
                }
            }
            Step::Reconnect(resume) => {
                client.arriving = None;
                telling = plane.lists.tell(client.position.clone().filter(|_| resume));
            }
            Step::Restart => {
                plane.database.close().await;
                plane = Plane::start(folder.path(), &clock, 2 + n as u64).await;
                client.arriving = None;
                telling = plane.lists.tell(client.position.clone());
            }
        }
    }
    plane.feed.read().await.unwrap();
    client.catch_up(&mut telling).await;
    let now = clock.unix_seconds();
    assert_eq!(client.set.live(now), histories.now().live(now));
    let sequence = client.position.as_ref().unwrap().sequence;
    assert_eq!(usize::try_from(sequence).unwrap(), histories.0.len() - 1);
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn property_24_no_revocation_is_missing_from_snapshot_and_deltas(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        block_on(act(steps));
    }
}

#[tokio::test]
async fn who_has_a_position_gets_only_what_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let plane = Plane::start(folder.path(), &Arc::new(ManualClock::at(NOW)), 1).await;
    let mut client = Client::default();
    for n in 0..5 {
        plane.revoke(n, 100).await;
    }
    plane.feed.read().await.unwrap();
    client.catch_up(&mut plane.lists.tell(None)).await;
    assert_eq!((client.snapshots, client.set.revoked.len()), (1, 5));

    // Far enough behind that it is not the newest changes alone, and more than a page of the log.
    for n in 5..100 {
        plane.revoke(n, 100).await;
    }
    let mut telling = plane.lists.tell(client.position.clone());
    plane.feed.read().await.unwrap();
    client.catch_up(&mut telling).await;
    assert_eq!((client.snapshots, client.set.revoked.len()), (1, 100));
}

#[tokio::test]
async fn a_reader_that_falls_too_far_behind_gets_a_snapshot_and_holds_nothing_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let plane = Plane::start(folder.path(), &Arc::new(ManualClock::at(NOW)), 1).await;
    let mut client = Client::default();
    let mut telling = plane.lists.tell(None);
    client.catch_up(&mut telling).await;
    for n in 0..200 {
        plane.revoke(n, 100).await;
    }
    // What a busy hour does: the newest changes were overtaken, and the log compacted.
    plane.lists.log.compact(10, 1_000).await.unwrap();
    let fresh = Plane::start(folder.path(), &plane.clock, 2).await;
    let mut late = fresh.lists.tell(client.position.clone());
    client.catch_up(&mut late).await;
    assert_eq!((client.snapshots, client.set.revoked.len()), (2, 200));
}

#[tokio::test]
async fn lists_that_are_put_back_from_a_backup_are_told_anew() {
    let (folder, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = Arc::new(ManualClock::at(NOW));
    let plane = Plane::start(folder.path(), &clock, 1).await;
    plane.revoke(1, 100).await;
    plane.database.close().await;
    std::fs::copy(folder.path().join("postern.db"), backup.path().join("postern.db")).unwrap();
    let plane = Plane::start(folder.path(), &clock, 2).await;
    plane.revoke(2, 100).await;
    plane.feed.read().await.unwrap();
    let mut client = Client::default();
    client.catch_up(&mut plane.lists.tell(None)).await;

    let restored = Plane::start(backup.path(), &clock, 3).await;
    let revoked = restored.revoke(3, 100).await;
    restored.feed.read().await.unwrap();
    let mut telling = restored.lists.tell(client.position.clone());
    client.catch_up(&mut telling).await;
    assert_eq!(client.snapshots, 2);
    let names: BTreeSet<&String> = client.set.revoked.keys().collect();
    assert!(names.contains(&Set::name(&(&revoked).into())), "{names:?}");
    assert_eq!(names.len(), 2, "what the backup lacks is gone");
}

#[tokio::test]
async fn nobody_is_told_that_there_is_nothing_newer_when_nobody_knows() {
    let folder = tempfile::tempdir().unwrap();
    let plane = Plane::start(folder.path(), &Arc::new(ManualClock::at(NOW)), 1).await;
    let mut telling = plane.lists.tell(None);
    assert!(telling.heartbeat().is_none(), "not before it has everything");
    let mut client = Client::default();
    client.catch_up(&mut telling).await;
    tokio::time::pause();
    tokio::time::advance(FRESH).await;
    assert!(telling.heartbeat().is_none(), "the log wasn't read for a while");
    tokio::time::resume();
    plane.feed.read().await.unwrap();
    assert!(telling.heartbeat().is_some());
}
