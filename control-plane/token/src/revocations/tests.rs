//! The list against a real database.

use std::collections::BTreeMap;

use postern_proto::sync::v1::Delta;
use postern_store::testing::{ManualClock, SeededEntropy};
use postern_store::{CHANGE_LOG_MIGRATIONS, Position};
use prost::Message;

use super::*;
use crate::model::{ClaimValue, RevokedTokens, TOKEN_LIFETIME_SECONDS};

const NOW: i64 = 1_700_000_000;

struct House {
    revocations: Revocations,
    clock: Arc<ManualClock>,
    start: Position,
    _folder: tempfile::TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("postern.db")).await.unwrap();
    database
        .migrate_all(&[CHANGE_LOG_MIGRATIONS, crate::MIGRATIONS])
        .await
        .unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let log = ChangeLog::open(database.clone(), Arc::new(SeededEntropy::new(3)))
        .await
        .unwrap();
    House {
        start: log.head().await.unwrap(),
        revocations: Revocations::new(database, log, Arc::clone(&clock) as Arc<dyn Clock>),
        clock,
        _folder: folder,
    }
}

impl House {
    async fn revoke(&self, jti: &str, expires_at: i64) -> Revocation {
        let tokens = RevokedTokens {
            issuer: "https://a.example".into(),
            which: Which::Claim {
                name: "jti".into(),
                value: ClaimValue::Text(jti.into()),
            },
        };
        let now = self.revocations.now();
        let entry = Revocation::parse(tokens, "jti", 0, expires_at, String::new(), now).unwrap();
        self.revocations.revoke(vec![entry]).await.unwrap().remove(0)
    }

    async fn changes(&self) -> Vec<Delta> {
        let changes = self
            .revocations
            .log
            .after(&self.start, 1_000)
            .await
            .unwrap()
            .unwrap();
        let decode = |change: postern_store::Change| Delta::decode(change.bytes.as_slice()).unwrap();
        changes.into_iter().map(decode).collect()
    }

    async fn all(&self) -> Vec<Revocation> {
        self.revocations.list(0, "").await.unwrap().entries
    }

    async fn total(&self) -> i64 {
        let mut tx = self.revocations.database.write().await.unwrap();
        repository::added(&mut tx, 0).await.unwrap()
    }
}

#[tokio::test]
async fn what_is_revoked_is_listed_and_logged_as_one_change() {
    let house = house().await;
    let entry = house.revoke("a", 0).await;
    assert_eq!(entry.expires_at, NOW + TOKEN_LIFETIME_SECONDS);
    assert_eq!(house.all().await, std::slice::from_ref(&entry));
    let changes = house.changes().await;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].revoked, [(&entry).into()]);
}

#[tokio::test]
async fn revoking_again_widens_and_a_removal_undoes_it() {
    let house = house().await;
    let short = house.revoke("a", NOW + 10).await;
    let long = house.revoke("a", NOW + 100).await;
    let again = house.revoke("a", NOW + 50).await;
    assert_eq!(
        (short.expires_at, long.expires_at, again.expires_at),
        (NOW + 10, NOW + 100, NOW + 100)
    );
    assert_eq!((house.all().await.len(), house.total().await), (1, 1));

    let id = again.tokens.id();
    house.revocations.remove(&id).await.unwrap();
    assert_eq!((house.all().await.len(), house.total().await), (0, 0));
    assert_eq!(house.changes().await.last().unwrap().lifted.len(), 1);
    for id in [id.as_str(), "", "nothing"] {
        assert!(matches!(
            house.revocations.remove(id).await,
            Err(RevocationError::NotFound)
        ));
    }
}

#[tokio::test]
async fn an_entry_that_has_expired_counts_for_nothing_and_is_purged_in_bounds() {
    let house = house().await;
    for n in 0..5 {
        house.revoke(&n.to_string(), NOW + 10).await;
    }
    let stays = house.revoke("stays", NOW + 100).await;
    house.clock.advance(10);
    assert_eq!(house.all().await, std::slice::from_ref(&stays));
    assert_eq!(house.revocations.part("", 100).await.unwrap().len(), 1);
    let expired = RevokedTokens {
        issuer: "https://a.example".into(),
        which: Which::Claim {
            name: "jti".into(),
            value: ClaimValue::Text("0".into()),
        },
    };
    assert!(house.revocations.remove(&expired.id()).await.is_err());

    // One that is there still, but expired, adds nothing to a new one for the same tokens.
    assert_eq!(house.revoke("4", NOW + 20).await.expires_at, NOW + 20);
    let changes = house.changes().await.len();
    assert_eq!(house.revocations.purge(3).await.unwrap(), 3);
    assert_eq!(house.revocations.purge(3).await.unwrap(), 1);
    assert_eq!(house.revocations.purge(3).await.unwrap(), 0);
    assert_eq!((house.total().await, house.all().await.len()), (2, 2));
    assert_eq!(house.changes().await.len(), changes, "nobody is told");
}

#[tokio::test]
async fn pages_and_parts_have_each_entry_once() {
    let house = house().await;
    let mut made = BTreeMap::new();
    for n in 0..25 {
        let entry = house.revoke(&n.to_string(), 0).await;
        made.insert(entry.tokens.id(), entry);
        house.clock.advance(i64::from(n % 3 == 0));
    }
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let page = house.revocations.list(4, &token).await.unwrap();
        assert!(page.entries.len() <= 4);
        listed.extend(page.entries);
        token = page.next;
        if token.is_empty() {
            break;
        }
    }
    assert!(listed.is_sorted_by(|one, next| one.revoked_at >= next.revoked_at));
    let by_id: BTreeMap<_, _> = listed
        .into_iter()
        .map(|entry| (entry.tokens.id(), entry))
        .collect();
    assert_eq!(by_id, made);

    let (mut parts, mut after) = (BTreeMap::new(), String::new());
    loop {
        let part = house.revocations.part(&after, 4).await.unwrap();
        let Some((last, _)) = part.last() else { break };
        after.clone_from(last);
        parts.extend(part);
    }
    assert_eq!(parts, made);
    for token in ["x", "1", "-1.", "1.x", "99999999999999999999.00"] {
        assert!(matches!(
            house.revocations.list(4, token).await,
            Err(RevocationError::PageToken)
        ));
    }
}

#[tokio::test]
async fn a_full_list_takes_no_more_but_still_widens() {
    let mut house = house().await;
    house.revocations.max_entries = 2;
    house.revoke("a", NOW + 10).await;
    let entry = house.revoke("b", NOW + 10).await;
    let mut other = entry.clone();
    other.tokens.issuer = "https://b.example".into();
    assert!(matches!(
        house.revocations.revoke(vec![other.clone()]).await,
        Err(RevocationError::Full)
    ));
    assert_eq!(
        (house.all().await.len(), house.changes().await.len()),
        (2, 2),
        "as it was"
    );
    house.revoke("b", NOW + 20).await;
    house.revocations.remove(&entry.tokens.id()).await.unwrap();
    house.revocations.revoke(vec![other]).await.unwrap();
}

fn by_claim(issuer: &str, claim: &str, value: i64, now: i64) -> Revocation {
    let tokens = RevokedTokens {
        issuer: issuer.into(),
        which: Which::Claim {
            name: claim.into(),
            value: ClaimValue::Integer(value),
        },
    };
    Revocation::parse(tokens, "claim", 0, now + 10, String::new(), now).unwrap()
}

/// Every token of an issuer is looked at for each claim by which something is revoked, in every sidecar.
#[tokio::test]
async fn an_issuers_tokens_are_revoked_by_a_bounded_number_of_claims() {
    let house = house().await;
    let (issuer, other) = ("https://a.example", "https://b.example");
    let put = async |issuer: &str, claim: &str, value| {
        let entry = by_claim(issuer, claim, value, house.revocations.now());
        house
            .revocations
            .revoke(vec![entry])
            .await
            .map(|mut entries| entries.remove(0))
    };
    for n in 0..MAX_CLAIMS_PER_ISSUER {
        // Several values of one claim are one claim.
        for value in 0..3 {
            put(issuer, &format!("claim-{n}"), value).await.unwrap();
        }
    }
    for claim in ["another", "claim", "zzz"] {
        let refused = put(issuer, claim, 1).await.unwrap_err();
        assert!(matches!(&refused, RevocationError::TooManyClaims { issuer: named } if named == issuer));
    }
    put(issuer, "claim-3", 9)
        .await
        .expect("a claim that is there has room for values");
    put(other, "another", 1).await.expect("another issuer has room");
    let key = RevokedTokens {
        issuer: issuer.into(),
        which: Which::KeyId("k".into()),
    };
    let key = Revocation::parse(key, "key_id", 0, 0, String::new(), NOW).unwrap();
    house
        .revocations
        .revoke(vec![key])
        .await
        .expect("keys don't count");

    // All entries of a claim gone, there is room for another; half of a change is none.
    for n in 0..3 {
        let entry = by_claim(issuer, "claim-0", n, NOW);
        house.revocations.remove(&entry.tokens.id()).await.unwrap();
    }
    let before = house.all().await.len();
    let both = ["one", "two"]
        .map(|claim| by_claim(issuer, claim, 1, NOW))
        .to_vec();
    assert!(house.revocations.revoke(both).await.is_err());
    assert_eq!(house.all().await.len(), before);
    put(issuer, "one", 1).await.unwrap();
}
