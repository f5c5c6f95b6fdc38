//! The check as the credentials stage calls it: RFC 9449 §4.3, item by item, each with the proof that passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use postern_jose::{Algorithm, LocalSigner, Signer, UnixTime, base64url};
use postern_telemetry::Code;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{DpopPlan, DpopReason, NonceKey, NonceKeys, Presented, ReplayCache, ReplayRefusal, check};

const NOW: UnixTime = UnixTime(1_800_000_000);
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

const PLAN: DpopPlan<'_> = DpopPlan {
    public_origin: "https://orders.example",
    algorithms: &[Algorithm::ES256],
    nonce: false,
    iat_window_seconds: 60,
    nonce_lifetime_seconds: 300,
};

/// A client with its key, and a sidecar that it calls.
struct World {
    signer: LocalSigner,
    replays: ReplayCache,
    nonce_keys: NonceKeys,
}

impl World {
    fn new() -> Self {
        Self {
            signer: LocalSigner::generate(Algorithm::ES256).unwrap(),
            replays: ReplayCache::new(1_000, 60),
            nonce_keys: NonceKeys::new([NonceKey::new(&[7; 32], UnixTime(0), UnixTime(i64::MAX))]),
        }
    }

    /// A proof for `GET https://orders.example/orders/1`.
    fn proof(&self, jti: &str, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let mut jwk = self.signer.public_jwk().to_object();
        jwk.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let mut claims = Map::from_iter([
            ("jti".to_owned(), jti.into()),
            ("htm".to_owned(), "GET".into()),
            ("htu".to_owned(), "https://orders.example/orders/1".into()),
            ("iat".to_owned(), NOW.0.into()),
            ("ath".to_owned(), base64url::encode(&sha256(TOKEN)).into()),
        ]);
        change(&mut claims);
        let claims = Value::Object(claims).to_string();
        let input = [header.to_string(), claims].map(|part| base64url::encode(part.as_bytes()));
        let input = input.join(".");
        let signature = self.signer.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(&signature))
    }

    fn check(&self, proof: Option<&str>, plan: &DpopPlan<'_>) -> Result<Option<String>, DpopReason> {
        self.check_at(proof, plan, NOW)
    }

    fn check_at(
        &self,
        proof: Option<&str>,
        plan: &DpopPlan<'_>,
        now: UnixTime,
    ) -> Result<Option<String>, DpopReason> {
        let presented = Presented {
            proof,
            token_sha256: &sha256(TOKEN),
            jkt: &self.signer.public_jwk().thumbprint(),
            method: "GET",
            target: "/orders/1?expand=lines",
        };
        check(&presented, plan, &self.nonce_keys, &self.replays, now)
            .map(|proved| proved.fresh_nonce)
            .map_err(|refusal| refusal.reason)
    }

    /// What a proof with one claim changed, or left out, comes to.
    fn with(&self, name: &str, value: Value) -> Result<Option<String>, DpopReason> {
        let proof = self.proof(name, |claims| {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.to_owned(), value);
            }
        });
        self.check(Some(&proof), &PLAN)
    }
}

fn sha256(text: &str) -> [u8; 32] {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap()
}

#[test]
fn a_proof_made_for_this_request_proves_it_once() {
    let world = World::new();
    let proof = world.proof("1", |_| {});
    assert_eq!(world.check(Some(&proof), &PLAN), Ok(None));
    let seen = Err(DpopReason::Replay(ReplayRefusal::Seen));
    assert_eq!(world.check(Some(&proof), &PLAN), seen);
    // Another proof of the same jti is the same proof; another jti isn't.
    let again = world.proof("1", |claims| drop(claims.insert("iat".to_owned(), NOW.0.into())));
    assert_eq!(world.check(Some(&again), &PLAN), seen);
    assert_eq!(world.check(Some(&world.proof("2", |_| {})), &PLAN), Ok(None));
}

#[test]
fn the_resource_request_of_rfc_9449_is_accepted() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../../common/jose/tests/vectors/rfc.json")).unwrap();
    let vector = &vectors["dpop"][1];
    let presented = Presented {
        proof: vector["proof"].as_str(),
        token_sha256: &sha256(vector["token"].as_str().unwrap()),
        jkt: vector["jkt"].as_str().unwrap(),
        method: "GET",
        target: "/protectedresource",
    };
    let plan = DpopPlan {
        public_origin: "https://resource.example.org",
        ..PLAN
    };
    let (nonces, replays) = (NonceKeys::default(), ReplayCache::new(1, 60));
    assert!(check(&presented, &plan, &nonces, &replays, UnixTime(1_562_262_618)).is_ok());
}

#[test]
fn exactly_one_header_is_read() {
    let world = World::new();
    let proof = world.proof("1", |_| {});
    for (header, reason) in [
        (None, DpopReason::Missing),
        (Some(""), DpopReason::Missing),
        (Some(format!("{proof},{proof}").as_str()), DpopReason::Several),
        (Some(format!("{proof},").as_str()), DpopReason::Several),
        (Some(format!(",{proof}").as_str()), DpopReason::Several),
    ] {
        assert_eq!(world.check(header, &PLAN), Err(reason));
    }
    assert!(world.replays.is_empty());
}

#[test]
fn a_proof_for_another_request_or_token_is_refused() {
    let world = World::new();
    let other_hash = base64url::encode(&sha256("another token"));
    for (name, value, reason) in [
        ("htm", json!("POST"), DpopReason::Method),
        ("htm", json!("get"), DpopReason::Method),
        ("htu", json!("https://orders.example/orders/2"), DpopReason::Uri),
        ("htu", json!("https://orders.example/orders/1/"), DpopReason::Uri),
        ("htu", json!("http://orders.example/orders/1"), DpopReason::Uri),
        ("htu", json!("https://evil.example/orders/1"), DpopReason::Uri),
        ("htu", json!("/orders/1"), DpopReason::Uri),
        ("ath", Value::Null, DpopReason::TokenHashMissing),
        ("ath", json!(other_hash), DpopReason::TokenHash),
        ("ath", json!(TOKEN), DpopReason::TokenHash),
    ] {
        assert_eq!(world.with(name, value.clone()), Err(reason), "{name} {value}");
    }
    // Query and fragment don't count, and two spellings of one URI are one.
    for (nth, htu) in [
        "https://orders.example/orders/1?other=query#f",
        "HTTPS://Orders.Example:443/x/../orders/%31",
    ]
    .into_iter()
    .enumerate()
    {
        let proof = world.proof(&nth.to_string(), |claims| {
            drop(claims.insert("htu".to_owned(), htu.into()));
        });
        assert_eq!(world.check(Some(&proof), &PLAN), Ok(None), "{htu}");
    }
    assert_eq!(world.replays.len(), 2);
}

#[test]
fn a_request_without_a_path_has_no_uri_to_prove() {
    let world = World::new();
    let proof = world.proof("1", |claims| {
        drop(claims.insert("htu".to_owned(), "https://orders.example/*".into()));
    });
    for target in ["*", "orders.example:443", "", "https://orders.example/orders/1"] {
        let presented = Presented {
            proof: Some(&proof),
            token_sha256: &sha256(TOKEN),
            jkt: &world.signer.public_jwk().thumbprint(),
            method: "GET",
            target,
        };
        let refused = check(&presented, &PLAN, &world.nonce_keys, &world.replays, NOW);
        assert_eq!(refused.map_err(|refusal| refusal.reason), Err(DpopReason::Uri));
    }
}

#[test]
fn a_proof_by_another_key_than_the_tokens_is_refused_before_its_signature_is_looked_at() {
    let (world, thief) = (World::new(), World::new());
    let proof = thief.proof("1", |_| {});
    assert_eq!(world.check(Some(&proof), &PLAN), Err(DpopReason::KeyMismatch));
    assert_eq!(
        world.check(Some(&format!("{proof}AA")), &PLAN),
        Err(DpopReason::KeyMismatch)
    );
    assert_eq!(DpopReason::KeyMismatch.code(), Code::TokenBindingMismatch);
}

#[test]
fn an_algorithm_that_the_route_does_not_allow_is_refused() {
    let world = World::new();
    let plan = DpopPlan {
        algorithms: &[Algorithm::EdDSA],
        ..PLAN
    };
    let refused = world.check(Some(&world.proof("1", |_| {})), &plan);
    assert!(matches!(refused, Err(DpopReason::Proof(_))), "{refused:?}");
}

#[test]
fn the_window_is_exact_either_way() {
    let world = World::new();
    let proof = |jti: &str| world.proof(jti, |_| {});
    let at = |jti: &str, seconds| world.check_at(Some(&proof(jti)), &PLAN, NOW.plus_seconds(seconds));
    assert_eq!(at("early", -60), Ok(None));
    assert_eq!(at("late", 60), Ok(None));
    let world = World::new();
    let proof = |jti: &str| world.proof(jti, |_| {});
    let at = |jti: &str, seconds| world.check_at(Some(&proof(jti)), &PLAN, NOW.plus_seconds(seconds));
    assert_eq!(at("early", -61), Err(DpopReason::FromTheFuture));
    assert_eq!(at("late", 61), Err(DpopReason::TooOld));
}

#[test]
fn a_window_wider_than_can_be_remembered_counts_as_the_widest_that_can() {
    let world = World::new();
    let plan = DpopPlan {
        iat_window_seconds: u32::MAX,
        ..PLAN
    };
    let refused = world.check_at(Some(&world.proof("1", |_| {})), &plan, NOW.plus_seconds(301));
    assert_eq!(refused, Err(DpopReason::TooOld));
}

#[test]
fn a_route_that_asks_for_nonces_gives_one_with_every_answer_and_takes_it_back() {
    let world = World::new();
    let plan = DpopPlan { nonce: true, ..PLAN };
    let with = |jti: &str, nonce: Option<&str>| {
        world.proof(jti, |claims| {
            claims.extend(nonce.map(|nonce| ("nonce".to_owned(), nonce.into())));
        })
    };
    let presented = |proof| Presented {
        proof,
        token_sha256: &[0; 32],
        jkt: "",
        method: "GET",
        target: "/",
    };
    // Even to a request without a proof: the client needn't be told twice.
    let refused = check(&presented(None), &plan, &world.nonce_keys, &world.replays, NOW).unwrap_err();
    assert_eq!(refused.code(), Code::DpopProofMissing);
    let nonce = refused.fresh_nonce.unwrap();

    assert_eq!(
        world.check(Some(&with("1", None)), &plan),
        Err(DpopReason::NonceMissing)
    );
    let fresh = world.check(Some(&with("1", Some(&nonce))), &plan).unwrap();
    assert!(fresh.is_some());
    assert_eq!(
        world.check(Some(&with("2", Some("made up"))), &plan),
        Err(DpopReason::NonceUnknown)
    );
    // What another set of keys made is nobody's.
    let other = NonceKeys::new([NonceKey::new(&[8; 32], UnixTime(0), UnixTime(i64::MAX))]);
    let theirs = other.issue(NOW).unwrap();
    assert_eq!(
        world.check(Some(&with("2", Some(&theirs))), &plan),
        Err(DpopReason::NonceUnknown)
    );
    // A refused proof isn't used up: the same jti counts once its nonce does.
    assert!(world.check(Some(&with("2", Some(&nonce))), &plan).is_ok());
    // Where no nonce is asked for, one that is there doesn't matter.
    assert_eq!(world.check(Some(&with("3", Some("made up"))), &PLAN), Ok(None));
}

#[test]
fn without_nonce_keys_a_route_that_asks_for_nonces_lets_nobody_in() {
    let world = World {
        nonce_keys: NonceKeys::default(),
        ..World::new()
    };
    let plan = DpopPlan { nonce: true, ..PLAN };
    let proof = world.proof("1", |claims| drop(claims.insert("nonce".to_owned(), "".into())));
    assert_eq!(world.check(Some(&proof), &plan), Err(DpopReason::NoNonceKeys));
    assert_eq!(DpopReason::NoNonceKeys.code(), Code::KeysUnavailable);
}

#[test]
fn of_many_simultaneous_requests_with_one_proof_one_succeeds() {
    const THREADS: usize = 16;
    let world = Arc::new(World::new());
    for round in 0..20 {
        let proof = world.proof(&round.to_string(), |_| {});
        let won = AtomicUsize::new(0);
        let start = std::sync::Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    match world.check(Some(&proof), &PLAN) {
                        Ok(_) => won.fetch_add(1, Ordering::Relaxed),
                        Err(reason) => {
                            assert_eq!(reason, DpopReason::Replay(ReplayRefusal::Seen));
                            0
                        }
                    };
                });
            }
        });
        assert_eq!(won.into_inner(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// P1 for proofs: whatever is done to the text of one, it doesn't count, or it is that one.
    #[test]
    fn property_01_a_damaged_proof_is_never_accepted(
        at in any::<prop::sample::Index>(),
        new in any::<char>(),
        insert in any::<bool>(),
    ) {
        let world = World::new();
        let valid = world.proof("1", |_| {});
        let mut forged = valid.clone();
        let at = at.index(valid.len());
        forged.replace_range(at..(if insert { at } else { at + 1 }), new.encode_utf8(&mut [0; 4]));
        prop_assert!(forged == valid || world.check(Some(&forged), &PLAN).is_err(), "{}", forged);
        // Nor is the valid one used up by it.
        prop_assert_eq!(world.check(Some(&valid), &PLAN), Ok(None));
    }
}
