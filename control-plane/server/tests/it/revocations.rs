//! Revocations and API keys from the RPCs that make them to the stream that sidecars follow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_proto::identity::v1::session_identity_service_client::SessionIdentityServiceClient;
use postern_proto::identity::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, ListApiKeysRequest, RevokeApiKeyRequest,
};
use postern_proto::sync::v1::watch_response::Hint;
use postern_proto::sync::v1::{Position, revocation};
use postern_proto::token::v1::revoke_token_request::Which;
use postern_proto::token::v1::token_service_client::TokenServiceClient;
use postern_proto::token::v1::{
    Claim, ListRevocationsRequest, RemoveRevocationRequest, Revocation, RevokeTokenRequest, claim,
};
use postern_store::{ChangeLog, Database, SystemClock, SystemEntropy};
use postern_token::{ClaimValue, Revocations, RevokedTokens};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::follower::{Follower, jti, watch};
use crate::support::{Authorized, House, Plane};

async fn tokens(plane: &Plane) -> TokenServiceClient<Authorized> {
    TokenServiceClient::new(plane.authorized(&plane.admin).await)
}

async fn revoke(plane: &Plane, which: Which) -> Revocation {
    let request = RevokeTokenRequest {
        which: Some(which),
        ..RevokeTokenRequest::default()
    };
    let answer = tokens(plane).await.revoke_token(request).await.unwrap();
    answer.into_inner().revocation.unwrap()
}

async fn create_key(plane: &Plane) -> CreateApiKeyResponse {
    let mut identity = SessionIdentityServiceClient::new(plane.authorized(&plane.admin).await);
    let request = CreateApiKeyRequest {
        subject: "batch".into(),
        name: "nightly".into(),
        scopes: vec!["orders:read".into()],
        expires_at: 0,
    };
    identity.create_api_key(request).await.unwrap().into_inner()
}

fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().unwrap().field_violations;
    violations.into_iter().map(|violation| violation.field).collect()
}

#[expect(clippy::disallowed_methods, reason = "how long a real stream takes")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn a_revocation_reaches_an_open_stream_within_a_second() {
    let house = House::new();
    let plane = house.start();
    let (mut follower, mut stream) = (Follower::default(), watch(&plane, None).await);
    follower.catch_up(&mut stream).await;
    assert_eq!((follower.snapshots, follower.jtis().len()), (1, 0));

    let mut slowest = Duration::ZERO;
    for n in 0..20 {
        let asked = now();
        let revoked = revoke(&plane, Which::Jti(n.to_string())).await;
        let hint = loop {
            match follower.heed_next(&mut stream).await {
                Hint::Heartbeat(_) => {}
                hint => break hint,
            }
        };
        slowest = slowest.max(asked.elapsed());
        let Hint::Delta(delta) = hint else {
            panic!("{hint:?}")
        };
        assert_eq!(jti(&delta.revoked[0]), Some(n.to_string().as_str()));
        assert_eq!(delta.revoked[0].expires_at, revoked.expires_at);
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let metrics = plane.metrics_with("postern_control_plane_sync_sequence 20").await;
    assert!(
        metrics.contains("postern_control_plane_sync_snapshots_total 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_token_of_our_own_is_revoked_by_its_jti_for_as_long_as_it_lives() {
    let house = House::new();
    let plane = house.start();
    let secret = plane.reader().await;
    let (_, answer) = plane
        .token("reader", &secret, "grant_type=client_credentials")
        .await;
    let token = answer["access_token"].as_str().unwrap();
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();

    revoke(&plane, Which::Jti(claims["jti"].as_str().unwrap().into())).await;
    let (mut follower, mut stream) = (Follower::default(), watch(&plane, None).await);
    follower.catch_up(&mut stream).await;
    let entry = &follower.revoked[0];
    assert_eq!(jti(entry), claims["jti"].as_str());
    assert_eq!(
        Some(entry.issuer.as_str()),
        claims["iss"].as_str(),
        "ours by default"
    );
    assert!(Some(entry.expires_at) > claims["exp"].as_i64(), "{entry:?}");
    assert_eq!(entry.issued_before, 0);
}

#[tokio::test]
async fn who_comes_back_gets_only_what_it_missed_also_from_another_process() {
    let house = House::new();
    let plane = house.start();
    revoke(&plane, Which::Jti("a".into())).await;
    let (mut follower, mut stream) = (Follower::default(), watch(&plane, None).await);
    follower.catch_up(&mut stream).await;
    let at = follower.position.clone().unwrap();
    let nonce_keys = follower.nonce_keys.clone();
    assert_eq!(nonce_keys.len(), 2);
    drop(stream);

    let missed = revoke(&plane, Which::Jti("b".into())).await;
    plane.stop();
    let plane = house.start();
    let mut stream = watch(&plane, follower.position.clone()).await;
    follower.catch_up(&mut stream).await;
    assert_eq!((follower.snapshots, follower.deltas), (1, 1));
    assert_eq!(follower.jtis(), ["a", "b"]);
    let then = follower.position.clone().unwrap();
    assert_eq!((&then.epoch, then.sequence), (&at.epoch, at.sequence + 1));
    assert_eq!(follower.nonce_keys, nonce_keys);

    let key = create_key(&plane).await;
    let mut service = tokens(&plane).await;
    let request = RemoveRevocationRequest { id: missed.id };
    service.remove_revocation(request.clone()).await.unwrap();
    assert_eq!(
        service.remove_revocation(request).await.unwrap_err().code(),
        Code::NotFound
    );
    while follower.deltas < 3 {
        follower.heed_next(&mut stream).await;
    }
    assert_eq!(follower.jtis(), ["a"]);
    assert_eq!(follower.api_keys[&key.api_key.unwrap().id].subject, "batch");
}

#[tokio::test]
async fn a_position_that_is_none_of_ours_gets_a_snapshot() {
    let house = House::new();
    let plane = house.start();
    for n in 0..3 {
        revoke(&plane, Which::Jti(n.to_string())).await;
    }
    let (mut follower, mut stream) = (Follower::default(), watch(&plane, None).await);
    follower.catch_up(&mut stream).await;
    let at = follower.position.clone().unwrap();
    let strange = [
        Position {
            sequence: at.sequence + 1,
            ..at.clone()
        },
        Position {
            sequence: at.sequence - 1,
            ..at.clone()
        },
        Position {
            check: !at.check,
            ..at.clone()
        },
        Position {
            epoch: "another".into(),
            ..at.clone()
        },
        Position {
            epoch: "x".repeat(100_000),
            ..at.clone()
        },
        Position {
            sequence: u64::MAX,
            ..at.clone()
        },
    ];
    for since in strange {
        let (mut follower, mut stream) = (Follower::default(), watch(&plane, Some(since)).await);
        follower.catch_up(&mut stream).await;
        assert_eq!((follower.snapshots, follower.jtis().len()), (1, 3));
        assert_eq!(follower.position.as_ref(), Some(&at));
    }
}

#[tokio::test]
async fn every_way_to_name_tokens_arrives_as_what_sidecars_look_for() {
    let house = House::new();
    let plane = house.start();
    let claimed = |name: &str, value| {
        Which::Claim(Claim {
            name: name.into(),
            value: Some(value),
        })
    };
    for which in [
        Which::Sid("s".into()),
        Which::Family("f".into()),
        Which::KeyId("k".into()),
        claimed("uid", claim::Value::Integer(-7)),
        claimed("test", claim::Value::Boolean(true)),
    ] {
        revoke(&plane, which).await;
    }
    let (mut follower, mut stream) = (Follower::default(), watch(&plane, None).await);
    follower.catch_up(&mut stream).await;
    let mut told: Vec<String> = follower
        .revoked
        .iter()
        .map(|entry| match entry.which.clone().unwrap() {
            revocation::Which::KeyId(key_id) => format!("key {key_id}"),
            revocation::Which::Claim(claim) => format!("{} {:?}", claim.name, claim.value.unwrap()),
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "fam Text(\"f\")",
            "key k",
            "sid Text(\"s\")",
            "test Boolean(true)",
            "uid Integer(-7)"
        ]
    );
}

#[tokio::test]
async fn wrong_requests_name_their_fields_and_revoke_nothing() {
    let house = House::new();
    let plane = house.start();
    let mut service = tokens(&plane).await;
    let good = RevokeTokenRequest {
        which: Some(Which::Jti("a".into())),
        ..RevokeTokenRequest::default()
    };
    for (request, wrong) in [
        (RevokeTokenRequest::default(), "which"),
        (
            RevokeTokenRequest {
                which: Some(Which::Sid(String::new())),
                ..good.clone()
            },
            "sid",
        ),
        (
            RevokeTokenRequest {
                which: Some(Which::Claim(Claim::default())),
                ..good.clone()
            },
            "claim.value",
        ),
        (
            RevokeTokenRequest {
                expires_at: 1,
                ..good.clone()
            },
            "expires_at",
        ),
        (
            RevokeTokenRequest {
                issued_before: -1,
                ..good.clone()
            },
            "issued_before",
        ),
        (
            RevokeTokenRequest {
                reason: "x".repeat(300),
                ..good.clone()
            },
            "reason",
        ),
        (
            RevokeTokenRequest {
                issuer: "x".repeat(600),
                ..good.clone()
            },
            "issuer",
        ),
    ] {
        let status = service.revoke_token(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(fields(&status), [wrong]);
    }
    let page = |page_token: &str| ListRevocationsRequest {
        page_size: 0,
        page_token: page_token.into(),
    };
    let status = service.list_revocations(page("x")).await.unwrap_err();
    assert_eq!(fields(&status), ["page_token"]);
    let listed = service.list_revocations(page("")).await.unwrap().into_inner();
    assert_eq!(
        (listed.revocations.len(), listed.next_page_token.as_str()),
        (0, "")
    );

    let mut identity = SessionIdentityServiceClient::new(plane.authorized(&plane.admin).await);
    let status = identity
        .create_api_key(CreateApiKeyRequest::default())
        .await
        .unwrap_err();
    assert_eq!(fields(&status), ["subject", "name"]);
}

#[tokio::test]
async fn an_api_key_is_shown_once_and_ends_when_it_is_revoked() {
    let house = House::new();
    let plane = house.start();
    let made = create_key(&plane).await;
    let id = made.api_key.unwrap().id;
    assert!(made.key.starts_with(&format!("postern_key_{id}_")));
    let (mut follower, mut stream) = (Follower::default(), watch(&plane, None).await);
    follower.catch_up(&mut stream).await;
    assert_eq!(follower.api_keys[&id].sha256.len(), 32);
    let log = serde_json::to_string(&plane.log()).unwrap();
    assert!(!log.contains(&made.key));

    let mut identity = SessionIdentityServiceClient::new(plane.authorized(&plane.admin).await);
    let listed = identity.list_api_keys(ListApiKeysRequest::default()).await;
    assert_eq!(listed.unwrap().into_inner().api_keys[0].name, "nightly");
    let request = RevokeApiKeyRequest { id: id.clone() };
    identity.revoke_api_key(request.clone()).await.unwrap();
    assert_eq!(
        identity.revoke_api_key(request).await.unwrap_err().code(),
        Code::NotFound
    );
    while follower.deltas < 1 {
        follower.heed_next(&mut stream).await;
    }
    assert!(follower.api_keys.is_empty());
}

/// What the process holds at most since it started, in KiB.
fn peak_kib(plane: &Plane) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", plane.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_hundred_thousand_revocations_are_told_in_parts_and_in_bounded_memory() {
    const ENTRIES: usize = 100_000;
    let house = House::new();
    house.start().stop();
    let database = Database::open(&house.data().join("postern.db")).await.unwrap();
    let log = ChangeLog::open(database.clone(), Arc::new(SystemEntropy))
        .await
        .unwrap();
    let revocations = Revocations::new(database.clone(), log, Arc::new(SystemClock));
    for batch in 0..ENTRIES / 1_000 {
        let entry = |n: usize| {
            let which = postern_token::Which::Claim {
                name: "jti".into(),
                value: ClaimValue::Text(format!("6f1c2b9a-3d4e-4f50-8a61-{:012}", batch * 1_000 + n)),
            };
            let issuer = "https://login.example.com/realms/production".into();
            let tokens = RevokedTokens { issuer, which };
            postern_token::Revocation::parse(tokens, "jti", 0, 0, String::new(), revocations.now()).unwrap()
        };
        revocations.revoke((0..1_000).map(entry).collect()).await.unwrap();
    }
    database.close().await;

    let plane = house.start();
    // These read nothing for now: what is told them must wait in the database, not in memory.
    let idle = [
        watch(&plane, None).await,
        watch(&plane, None).await,
        watch(&plane, None).await,
    ];
    let before = peak_kib(&plane);
    let (mut follower, mut stream) = (Follower::default(), watch(&plane, None).await);
    follower.catch_up(&mut stream).await;
    let jtis = follower.jtis();
    assert_eq!((jtis.len(), follower.snapshots), (ENTRIES, 1));
    assert!(jtis.is_sorted_by(|one, next| one < next), "each once");
    let grown = peak_kib(&plane) - before;
    assert!(grown < 32 * 1_024, "{grown} KiB for {ENTRIES} entries");
    drop(idle);
}
