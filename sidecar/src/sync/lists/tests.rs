//! The state machine against a model of a control plane: streams that break anywhere, processes that are killed at every
//! step, logs that are lost and databases that are put back. And by examples.

use std::collections::{BTreeMap, VecDeque};

use postern_decide::revocation::{Heard, Subject};
use postern_proto::sync::v1 as wire;
use postern_rego::Value;
use proptest::prelude::*;

use super::*;

const NOW: UnixTime = UnixTime(1_000);
const ISSUER: &str = "https://issuer.example";

fn revocation(value: u8) -> Revocation {
    let which = match value % 3 {
        0 => Which::Text("jti".to_owned(), value.to_string()),
        1 => Which::Integer("uid".to_owned(), i64::from(value)),
        _ => Which::KeyId(value.to_string()),
    };
    Revocation {
        tokens: Tokens {
            issuer: ISSUER.to_owned(),
            which,
        },
        issued_before: None,
        expires_at: UnixTime(5_000),
    }
}

fn api_key(id: u8, secret: u8) -> ApiKey {
    ApiKey {
        id: id.to_string().into(),
        name: "a key".into(),
        subject: "robot".into(),
        scopes: Arc::from(["orders:read".into()]),
        expires_at: id.is_multiple_of(2).then_some(UnixTime(5_000)),
        sha256: [secret; 32],
    }
}

/// Which of the 256 revocations there are.
fn revoked(lists: &Lists) -> Vec<u8> {
    (0..=u8::MAX)
        .filter(|value| {
            let (claims, key_id) = match revocation(*value).tokens.which {
                Which::KeyId(key_id) => ("{}".to_owned(), key_id),
                Which::Text(claim, text) => (format!(r#"{{"{claim}":"{text}"}}"#), String::new()),
                Which::Integer(claim, integer) => (format!(r#"{{"{claim}":{integer}}}"#), String::new()),
                Which::Boolean(..) => unreachable!(),
            };
            let claims = Value::from_json_str(&claims).unwrap();
            let subject = Subject {
                issuer: ISSUER,
                key_id: Some(&key_id),
                claims: &claims,
            };
            lists.revocations().find(&subject, NOW).is_some()
        })
        .collect()
}

fn api_keys(lists: &Lists) -> BTreeMap<String, ApiKey> {
    let keys = lists.api_keys().iter();
    keys.map(|key| (key.id.to_string(), key.clone())).collect()
}

/// The control plane, as far as its lists go.
#[derive(Debug, Clone, Default)]
struct Server {
    position: u64,
    check: u64,
    revoked: BTreeMap<u8, Revocation>,
    api_keys: BTreeMap<String, ApiKey>,
    /// Every change since the log begins, with the `check` before it.
    log: VecDeque<(u64, Delta)>,
}

/// What happens.
#[derive(Debug, Clone)]
enum Happening {
    Revoke(Vec<u8>),
    Lift(u8),
    AddKey(u8, u8),
    RemoveKey(u8),
    /// This many messages arrive.
    Arrive(u8),
    StreamBreaks,
    /// A change is lost: what no transport does, and a bug of the server may.
    ChangeIsLost,
    Keep,
    ProcessDies,
    LogIsLost,
    BackupIsTaken,
    BackupIsPutBack,
    SnapshotIsSent,
}

impl Server {
    fn position(&self) -> Position {
        Position {
            epoch: "epoch".into(),
            sequence: self.position,
            check: self.check,
        }
    }

    /// Makes a change; the `check` of each is another, also after a backup was put back.
    fn change(&mut self, check: u64, happening: &Happening) -> Option<Event> {
        let mut delta = Delta {
            sequence: self.position + 1,
            check,
            revoked: Vec::new(),
            lifted: Vec::new(),
            api_keys: Vec::new(),
            api_keys_removed: Vec::new(),
        };
        match happening {
            Happening::Revoke(values) => {
                delta.revoked = values.iter().map(|value| revocation(*value)).collect();
                let entries = values.iter().map(|value| (*value, revocation(*value)));
                self.revoked.extend(entries);
            }
            Happening::Lift(value) => {
                delta.lifted = vec![revocation(*value).tokens];
                self.revoked.remove(value);
            }
            Happening::AddKey(id, secret) => {
                let key = api_key(*id, *secret);
                delta.api_keys = vec![key.clone()];
                self.api_keys.insert(key.id.to_string(), key);
            }
            Happening::RemoveKey(id) => {
                delta.api_keys_removed = vec![id.to_string()];
                self.api_keys.remove(&id.to_string());
            }
            _ => return None,
        }
        self.log.push_back((self.check, delta.clone()));
        (self.position, self.check) = (delta.sequence, check);
        Some(Event::Delta(delta))
    }

    /// What a new stream begins with.
    fn watch(&self, since: Option<&Position>) -> VecDeque<Event> {
        let mut events = match since.and_then(|since| self.log_since(since)) {
            Some(deltas) => deltas,
            None => self.snapshot(),
        };
        events.push_back(Event::Heartbeat(self.position()));
        events
    }

    fn log_since(&self, since: &Position) -> Option<VecDeque<Event>> {
        if *since == self.position() {
            return Some(VecDeque::new());
        }
        let begins =
            |(check, delta): &(u64, Delta)| delta.sequence == since.sequence + 1 && *check == since.check;
        let begin = self.log.iter().position(begins)?;
        let deltas = self.log.iter().skip(begin);
        Some(deltas.map(|(_, delta)| Event::Delta(delta.clone())).collect())
    }

    fn snapshot(&self) -> VecDeque<Event> {
        let revoked: Vec<_> = self.revoked.values().cloned().collect();
        let keys: Vec<_> = self.api_keys.values().cloned().collect();
        let mut parts: Vec<_> = revoked
            .chunks(3)
            .map(|chunk| (chunk.to_vec(), Vec::new()))
            .chain(keys.chunks(2).map(|chunk| (Vec::new(), chunk.to_vec())))
            .collect();
        if parts.is_empty() {
            parts.push((Vec::new(), Vec::new()));
        }
        let last = parts.len() - 1;
        let part = |(index, (revoked, api_keys))| {
            Event::Part(Part {
                first: index == 0,
                last: index == last,
                position: self.position(),
                revoked,
                api_keys,
            })
        };
        parts.into_iter().enumerate().map(part).collect()
    }
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let happening = prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 1..6).prop_map(Happening::Revoke),
        4 => any::<u8>().prop_map(Happening::Lift),
        3 => (0u8..8, any::<u8>()).prop_map(|(id, secret)| Happening::AddKey(id, secret)),
        2 => (0u8..8).prop_map(Happening::RemoveKey),
        12 => (1u8..6).prop_map(Happening::Arrive),
        2 => Just(Happening::StreamBreaks),
        1 => Just(Happening::ChangeIsLost),
        3 => Just(Happening::Keep),
        2 => Just(Happening::ProcessDies),
        1 => Just(Happening::LogIsLost),
        1 => Just(Happening::BackupIsTaken),
        1 => Just(Happening::BackupIsPutBack),
        1 => Just(Happening::SnapshotIsSent),
    ];
    proptest::collection::vec(happening, 0..120)
}

/// A process: its lists, what it kept of them, and what is on its way to it.
struct Client {
    lists: Lists,
    kept: Option<Vec<u8>>,
    stream: VecDeque<Event>,
}

impl Client {
    fn connect(&mut self, server: &Server) {
        self.lists.stream_ended();
        self.stream = server.watch(self.lists.position());
    }

    /// Takes one message; a stream that can't be followed is left for a new one.
    fn take(&mut self, server: &Server) -> bool {
        let Some(event) = self.stream.pop_front() else {
            return false;
        };
        if self.lists.step(event, NOW).is_err() {
            self.connect(server);
        }
        true
    }

    fn restart(&mut self) {
        self.lists = match &self.kept {
            Some(bytes) => Kept::from_bytes(bytes, NOW).unwrap().into_lists(),
            None => Lists::unknown(),
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// P24: whatever breaks, in the end the lists are the control plane's, to the entry.
    #[test]
    fn whatever_breaks_the_lists_become_the_control_planes(happenings in happenings()) {
        let mut server = Server::default();
        let mut backup = server.clone();
        let mut client = Client { lists: Lists::unknown(), kept: None, stream: VecDeque::new() };
        client.connect(&server);
        let mut check = 0;
        for happening in happenings {
            match happening {
                Happening::Arrive(messages) => {
                    for _ in 0..messages {
                        client.take(&server);
                    }
                }
                Happening::ChangeIsLost => {
                    client.stream.pop_front_if(|event| matches!(event, Event::Delta(_)));
                }
                Happening::StreamBreaks => client.connect(&server),
                Happening::Keep => {
                    if let Some(kept) = Kept::of(&client.lists) {
                        client.kept = Some(kept.to_bytes().unwrap());
                    }
                }
                Happening::ProcessDies => {
                    client.restart();
                    client.connect(&server);
                }
                Happening::LogIsLost => server.log.clear(),
                Happening::BackupIsTaken => backup = server.clone(),
                Happening::BackupIsPutBack => {
                    server = backup.clone();
                    client.connect(&server);
                }
                Happening::SnapshotIsSent => client.stream.extend(server.snapshot()),
                change => {
                    check += 1;
                    client.stream.extend(server.change(check, &change));
                }
            }
        }
        // The heartbeats that come for ever are what finds a message that was lost last.
        for _ in 0..3 {
            client.stream.push_back(Event::Heartbeat(server.position()));
            while client.take(&server) {}
        }
        prop_assert_eq!(client.lists.position(), Some(&server.position()));
        prop_assert_eq!(revoked(&client.lists), server.revoked.keys().copied().collect::<Vec<_>>());
        prop_assert_eq!(api_keys(&client.lists), server.api_keys);
        prop_assert_eq!(client.lists.revocations().heard(), Heard::At(NOW));
    }

    #[test]
    fn bytes_that_are_no_lists_are_refused(noise in proptest::collection::vec(any::<u8>(), 0..200), at in any::<usize>()) {
        let mut server = Server::default();
        server.change(1, &Happening::Revoke(vec![1, 2, 3]));
        let mut client = Client { lists: Lists::unknown(), kept: None, stream: server.snapshot() };
        while client.take(&server) {}
        let mut bytes = Kept::of(&client.lists).unwrap().to_bytes().unwrap();
        let at = at % bytes.len();
        bytes.splice(at.., noise);
        // Never a panic; what is read has as many entries as it says.
        let _ = Kept::from_bytes(&bytes, NOW);
    }
}

fn up_to_date() -> (Server, Lists) {
    let mut server = Server::default();
    server.change(7, &Happening::Revoke(vec![1, 2, 3, 4]));
    let mut lists = Lists::unknown();
    for event in server.watch(None) {
        lists.step(event, NOW).unwrap();
    }
    (server, lists)
}

#[test]
fn an_unfinished_snapshot_shows_nothing_and_the_old_lists_serve_on() {
    let (mut server, mut lists) = up_to_date();
    server.change(8, &Happening::Revoke(vec![9]));
    let mut parts = server.snapshot();
    assert_eq!(
        lists.step(parts.pop_front().unwrap(), NOW).unwrap(),
        Step::Collected
    );
    assert_eq!(revoked(&lists), [1, 2, 3, 4]);
    assert_eq!(lists.position().unwrap().sequence, 1);
    lists.stream_ended();
    assert_eq!(
        lists.position().unwrap().sequence,
        1,
        "and it can go on from there"
    );
}

#[test]
fn what_does_not_follow_is_refused_and_the_lists_stay() {
    let delta = |sequence| {
        Event::Delta(Delta {
            sequence,
            check: 0,
            revoked: vec![revocation(9)],
            lifted: Vec::new(),
            api_keys: Vec::new(),
            api_keys_removed: Vec::new(),
        })
    };
    let part = |first, sequence| {
        Event::Part(Part {
            first,
            last: false,
            position: Position {
                epoch: "epoch".into(),
                sequence,
                check: 0,
            },
            revoked: Vec::new(),
            api_keys: Vec::new(),
        })
    };
    let gap = |found| OutOfStep::Gap { expected: 2, found };
    let elsewhere = Event::Heartbeat(Position {
        epoch: "another".into(),
        sequence: 1,
        check: 7,
    });
    for (events, refused) in [
        (vec![delta(1)], gap(1)),
        (vec![delta(3)], gap(3)),
        (vec![part(false, 1)], OutOfStep::StrayPart),
        (vec![part(true, 1), part(false, 2)], OutOfStep::StrayPart),
        (vec![part(true, 1), delta(2)], OutOfStep::Interrupted),
        (vec![elsewhere], OutOfStep::Elsewhere { theirs: 1, ours: 1 }),
    ] {
        let (_, mut lists) = up_to_date();
        let mut steps = events.into_iter().map(|event| lists.step(event, NOW));
        let last = steps.by_ref().find(Result::is_err).unwrap();
        assert_eq!(last, Err(refused.clone()));
        assert_eq!(steps.count(), 0, "{refused}");
        assert_eq!(lists.position(), None, "{refused}");
        assert_eq!(revoked(&lists), [1, 2, 3, 4], "{refused}");
        assert_eq!(
            lists.step(delta(2), NOW),
            Err(OutOfStep::NothingToChange),
            "{refused}"
        );
    }
}

#[test]
fn only_a_heartbeat_is_proof_that_nothing_is_missing() {
    let (mut server, _) = up_to_date();
    let mut lists = Lists::unknown();
    for event in server.snapshot() {
        lists.step(event, NOW).unwrap();
    }
    assert_eq!(lists.revocations().heard(), Heard::Never);
    let before = lists.revocations().generation();
    let later = UnixTime(1_005);
    let beat = Event::Heartbeat(server.position());
    assert_eq!(lists.step(beat, later), Ok(Step::Heard));
    assert_eq!(lists.revocations().heard(), Heard::At(later));
    assert_eq!(
        lists.revocations().generation(),
        before,
        "nothing to look up again"
    );
    let change = server.change(8, &Happening::AddKey(1, 1)).unwrap();
    assert_eq!(lists.step(change, UnixTime(1_010)), Ok(Step::Changed));
    assert_eq!(lists.revocations().heard(), Heard::At(later));
}

#[test]
fn what_was_kept_is_what_was_there() {
    let (mut server, mut lists) = up_to_date();
    for event in [
        server.change(8, &Happening::AddKey(1, 1)).unwrap(),
        server.change(9, &Happening::AddKey(2, 1)).unwrap(),
    ] {
        lists.step(event, NOW).unwrap();
    }
    let bytes = Kept::of(&lists).unwrap().to_bytes().unwrap();
    let back = Kept::from_bytes(&bytes, UnixTime(77)).unwrap().into_lists();
    assert_eq!(back.position(), lists.position());
    assert_eq!(
        (revoked(&back), api_keys(&back)),
        (revoked(&lists), api_keys(&lists))
    );
    assert_eq!(back.revocations().heard(), Heard::At(UnixTime(77)));
    assert!(
        Kept::of(&Lists::unknown()).is_none(),
        "nothing is known that could be kept"
    );
}

#[test]
fn messages_that_can_not_be_understood_are_errors() {
    let told = |hint| told(wire::WatchResponse { hint: Some(hint) }).map(|_| ());
    use wire::watch_response::Hint;
    let position = Some(wire::Position::default());
    let part = |revocation| {
        Hint::Snapshot(wire::SnapshotPart {
            position: position.clone(),
            revocations: vec![revocation],
            ..Default::default()
        })
    };
    let which = Some(wire::revocation::Which::KeyId("k".to_owned()));
    let claim = wire::revocation::Which::Claim(postern_proto::token::v1::Claim::default());
    let key = wire::ApiKey {
        id: "abc".to_owned(),
        sha256: vec![0; 32],
        subject: "robot".to_owned(),
        ..Default::default()
    };
    let keys = |key| {
        Hint::Delta(wire::Delta {
            api_keys: vec![key],
            ..Default::default()
        })
    };
    let wire_revocation = |which, expires_at| wire::Revocation {
        issuer: ISSUER.to_owned(),
        which,
        issued_before: 0,
        expires_at,
    };
    let nonce_keys = |key| {
        Hint::NonceKeys(wire::NonceKeys {
            keys: vec![wire::NonceKey {
                key,
                ..Default::default()
            }],
        })
    };
    for (hint, result) in [
        (part(wire_revocation(which.clone(), 1)), Ok(())),
        (part(wire_revocation(which, 0)), Err(WireError::NoEnd)),
        (part(wire_revocation(None, 1)), Err(WireError::NoTokens)),
        (part(wire_revocation(Some(claim), 1)), Err(WireError::NoValue)),
        (
            Hint::Heartbeat(wire::Heartbeat::default()),
            Err(WireError::NoPosition),
        ),
        (
            Hint::Snapshot(wire::SnapshotPart::default()),
            Err(WireError::NoPosition),
        ),
        (keys(key.clone()), Ok(())),
        (
            keys(wire::ApiKey {
                id: "a_b".to_owned(),
                ..key.clone()
            }),
            Err(WireError::ApiKey("id")),
        ),
        (
            keys(wire::ApiKey {
                sha256: vec![0; 31],
                ..key.clone()
            }),
            Err(WireError::ApiKey("sha256")),
        ),
        (
            keys(wire::ApiKey {
                subject: String::new(),
                ..key
            }),
            Err(WireError::ApiKey("subject")),
        ),
        (nonce_keys(vec![1; 32]), Ok(())),
        (nonce_keys(vec![1; 16]), Err(WireError::NonceKey)),
    ] {
        assert_eq!(told(hint.clone()), result, "{hint:?}");
    }
    assert!(matches!(
        super::told(wire::WatchResponse { hint: None }),
        Ok(Told::Unknown)
    ));
}
