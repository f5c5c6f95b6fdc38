//! Decisions that a policy's request interrupts: only where the route allows it, gone on with as if nothing had happened,
//! and as many as one decision may make.

#[cfg(test)]
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postern_decide::{
    ActivePolicy, Decision, HttpSend, MAX_HTTP_REQUESTS, Need, Now, Outcome, PolicyLimits, RequestView,
    decide, resume,
};
use postern_jose::{Algorithm, LocalSigner, Signer as _, base64url};
use postern_policy::http::{self, HttpFailure, HttpResponse};
use postern_policy::{Engine, EngineError, Entrypoint, Env, Stopped, TimeLimit, Value};
use postern_rego::{BuiltinError, Context};
use postern_telemetry::Code;
use serde_json::json;
use world::{NOW, World, entropy, request, sha256};

/// What an evaluation saw of time and randomness.
#[cfg(test)]
type Seen = (i64, [u8; 32]);

/// A policy that asks for `/0`, `/1`, … and allows when the last says `yes`.
#[cfg(test)]
#[derive(Default)]
struct Asks {
    requests: usize,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[cfg(test)]
impl Engine for Asks {
    fn revision(&self) -> &str {
        "r1"
    }

    fn entrypoints(&self) -> Vec<String> {
        vec!["test".to_owned()]
    }

    fn entrypoint(&self, _: &str) -> Option<Entrypoint> {
        Some(Entrypoint::from_index(0))
    }

    fn evaluate(&self, _: Entrypoint, _: Option<&Value>, env: &Env) -> Result<Option<Value>, EngineError> {
        self.seen.lock().unwrap().push((env.now_ns, env.seed));
        let mut allowed = false;
        for n in 0..self.requests {
            let url = format!("https://h.example/{n}");
            let wanted = json!({ "method": "get", "url": url });
            match http::send(&mut Context::new(env, 10_000, None), &[Value::from(wanted)]) {
                Ok(Some(said)) => allowed = said.get("raw_body") == Some(&Value::from("yes")),
                Ok(None) | Err(BuiltinError::Lenient(_)) => return Ok(None),
                Err(BuiltinError::NeedsHttp(request)) => return Err(EngineError::NeedsHttp(request)),
                Err(error) => return Err(EngineError::Evaluation(Stopped::internal(&error.to_string()))),
            }
        }
        Ok(Some(Value::from(allowed)))
    }
}

#[cfg(test)]
fn world(asks: Asks) -> World {
    let mut world = World::allowing().where_route(|route| {
        route.http_send = true;
        route.public_origin = Some(Arc::from("https://api.example"));
    });
    let policy = ActivePolicy::new(Arc::new(asks), Entrypoint::from_index(0));
    world.snapshot = world.snapshot.with_policy(Arc::new(policy));
    world
}

#[cfg(test)]
fn yes() -> Result<HttpResponse, HttpFailure> {
    Ok(HttpResponse {
        status: "200 OK".to_owned(),
        status_code: 200,
        headers: Vec::new(),
        body: b"yes".to_vec(),
    })
}

/// Decides, answering each request; gives the requests, too.
#[cfg(test)]
fn settle_with(
    world: &World,
    request: &RequestView<'_>,
    mut answer: impl FnMut(&HttpSend) -> Result<HttpResponse, HttpFailure>,
) -> (Decision, Vec<String>) {
    let mut asked = Vec::new();
    let now = Now::at_second(NOW);
    let mut outcome = decide(&world.snapshot, &world.caches, request, now, &entropy(), &mut ());
    loop {
        match outcome {
            Outcome::Decided(decision) => return (*decision, asked),
            Outcome::Needs(Need::HttpSend(send)) => {
                asked.push(send.request().url.clone());
                let answer = answer(&send);
                outcome = resume(
                    &world.snapshot,
                    &world.caches,
                    request,
                    &send.answered(answer),
                    &mut (),
                );
            }
            Outcome::Needs(need) => panic!("{need:?}"),
        }
    }
}

#[cfg(test)]
fn bearer(world: &World) -> String {
    format!("Bearer {}", world.token(&json!({})))
}

#[test]
fn a_decision_goes_on_with_each_answer_at_the_same_moment_with_the_same_randomness() {
    let asks = Asks {
        requests: 2,
        ..Asks::default()
    };
    let seen = Arc::clone(&asks.seen);
    let world = world(asks);
    let token = bearer(&world);
    let mut request = request(&[("authorization", token.as_str())]);
    request.may_wait = true;
    let (decision, asked) = settle_with(&world, &request, |_| yes());
    assert!(decision.record.allowed, "{:?}", decision.record.reason);
    assert_eq!(asked, ["https://h.example/0", "https://h.example/1"]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|one| *one == seen[0]));
    drop(seen);
    // The policy is told of a failure as OPA tells it; it is undefined here.
    let failed = || Err(HttpFailure::Network("no connection".to_owned()));
    let (decision, _) = settle_with(&world, &request, |_| failed());
    assert_eq!(decision.record.code, Some(Code::AccessDenied));
    // What the host refuses isn't undefined.
    let refused = || Err(HttpFailure::Refused("not listed".to_owned()));
    let (decision, asked) = settle_with(&world, &request, |_| refused());
    assert_eq!((decision.record.code, asked.len()), (Some(Code::PolicyError), 1));
    assert!(decision.record.reason.unwrap().contains("not listed"));
}

#[test]
fn no_request_is_made_of_a_route_that_doesnt_allow_it_or_of_a_host_that_cant_wait() {
    let world = world(Asks {
        requests: 1,
        ..Asks::default()
    });
    let token = bearer(&world);
    let mut request = request(&[("authorization", token.as_str())]);
    let cant_wait = world.settle(&request, NOW).record;
    assert_eq!(
        (cant_wait.allowed, cant_wait.code),
        (false, Some(Code::PolicyError))
    );
    request.may_wait = true;
    let engine = world.snapshot.policy.clone().unwrap();
    let mut world = world.where_route(|_| {});
    world.snapshot = world.snapshot.with_policy(engine);
    let (decision, asked) = settle_with(&world, &request, |_| yes());
    assert!(asked.is_empty());
    assert_eq!(decision.record.code, Some(Code::PolicyError));
    assert!(
        decision
            .record
            .reason
            .unwrap()
            .contains("no request may be made here")
    );
}

#[test]
fn a_decision_makes_so_many_requests_and_no_more() {
    let world = world(Asks {
        requests: MAX_HTTP_REQUESTS + 1,
        ..Asks::default()
    });
    let token = bearer(&world);
    let mut request = request(&[("authorization", token.as_str())]);
    request.may_wait = true;
    let (decision, asked) = settle_with(&world, &request, |_| yes());
    assert_eq!(asked.len(), MAX_HTTP_REQUESTS);
    assert_eq!(decision.record.code, Some(Code::PolicyError));
}

/// Thirty milliseconds later whenever it is asked.
#[cfg(test)]
fn clock() -> Duration {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    Duration::from_millis(30 * ASKED.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn the_evaluations_of_one_decision_share_its_time() {
    for (most, wanted) in [(100, Some(Code::PolicyTimeout)), (1000, None)] {
        let mut world = world(Asks {
            requests: MAX_HTTP_REQUESTS,
            ..Asks::default()
        });
        let asks = Asks {
            requests: MAX_HTTP_REQUESTS,
            ..Asks::default()
        };
        let limits = PolicyLimits {
            time: Some(TimeLimit::new(Duration::from_millis(most), clock)),
            ..PolicyLimits::default()
        };
        let policy = ActivePolicy::new(Arc::new(asks), Entrypoint::from_index(0)).with_limits(limits);
        world.snapshot = world.snapshot.with_policy(Arc::new(policy));
        let token = bearer(&world);
        let mut request = request(&[("authorization", token.as_str())]);
        request.may_wait = true;
        let (decision, asked) = settle_with(&world, &request, |_| yes());
        // Each that is interrupted takes thirty: the fifth would be beyond a hundred.
        assert_eq!((decision.record.code, asked.len()), (wanted, 4), "{most}");
    }
}

#[test]
fn a_dpop_proof_counts_for_the_interrupted_check_and_no_other() {
    let world = world(Asks {
        requests: 2,
        ..Asks::default()
    });
    let key = LocalSigner::generate(Algorithm::ES256).unwrap();
    let token = world.token(&json!({ "cnf": { "jkt": key.public_jwk().thumbprint() } }));
    let mut jwk = key.public_jwk().to_object();
    jwk.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
    let payload = json!({
        "jti": "1", "htm": "GET", "htu": "https://api.example/orders", "iat": NOW.0,
        "ath": base64url::encode(&sha256(token.as_bytes())),
    });
    let input = [header, payload]
        .map(|part| base64url::encode(part.to_string().as_bytes()))
        .join(".");
    let proof = format!(
        "{input}.{}",
        base64url::encode(&key.sign(input.as_bytes()).unwrap())
    );
    let authorization = format!("DPoP {token}");
    let mut request = request(&[
        ("authorization", authorization.as_str()),
        ("dpop", proof.as_str()),
    ]);
    request.may_wait = true;
    let (decision, asked) = settle_with(&world, &request, |_| yes());
    assert!(decision.record.allowed, "{:?}", decision.record.reason);
    assert_eq!(asked.len(), 2);
    // Who sends it again, even while the first is waited for, sends it again.
    let (again, asked) = settle_with(&world, &request, |_| yes());
    assert!(!again.record.allowed && asked.is_empty());
    assert_eq!(again.record.code, Some(Code::DpopProofReplayed));
}
