//! The DPoP proof of a request for RFC 9449's resource. First line: the request's target. Then either the header's value:
//! whatever it is, only the RFC's own proof counts for its token; or two lines, the header and payload of a proof that the
//! token's key has signed: what counts was made for this request, and counts once.

use std::sync::LazyLock;

use postern_decide::dpop::{DpopPlan, NonceKeys, Presented, ReplayCache, check};
use postern_jose::{Algorithm, DpopProofRef, MAX_JTI_BYTES, UnixTime, base64url};
use serde_json::Value;

use crate::known::{SIGNER, VECTORS, signed, signing_input};

const METHOD: &str = "GET";
const WINDOW_SECONDS: u32 = 60;

const PLAN: DpopPlan<'_> = DpopPlan {
    public_origin: "https://resource.example.org",
    algorithms: &Algorithm::ALL,
    nonce: false,
    iat_window_seconds: WINDOW_SECONDS,
    nonce_lifetime_seconds: 300,
};

/// RFC 9449 §7.1.
struct Request {
    proof: String,
    jkt: String,
    iat: UnixTime,
    ath: String,
    token_sha256: [u8; 32],
}

static RFC: LazyLock<Request> = LazyLock::new(|| {
    let vector = &VECTORS["dpop"][1];
    let text = |name: &str| vector[name].as_str().expect("a text").to_owned();
    Request {
        proof: text("proof"),
        jkt: text("jkt"),
        iat: UnixTime(vector["iat"].as_i64().expect("a time")),
        ath: text("ath"),
        token_sha256: base64url::decode(&text("ath"))
            .and_then(|hash| hash.try_into().ok())
            .expect("a SHA-256"),
    }
});

/// Reads `data` as the target and the proof of a request.
pub fn run(data: &[u8]) {
    let text = std::str::from_utf8(data).ok();
    let Some((target, proof)) = text.and_then(|text| text.split_once('\n')) else {
        return;
    };
    match proof.split_once('\n') {
        None => as_it_came(target, proof),
        Some((header, payload)) => as_signed(target, header, payload),
    }
}

fn as_it_came(target: &str, proof: &str) {
    if let Ok(parsed) = DpopProofRef::parse(proof) {
        assert_eq!(parsed.thumbprint().len(), 43);
        if let Ok(verified) = parsed.verify(&Algorithm::ALL) {
            assert!((1..=MAX_JTI_BYTES).contains(&verified.jti().len()));
        }
    }
    if counts_once(target, proof, &RFC.jkt) {
        assert_eq!(signing_input(proof), signing_input(&RFC.proof), "nobody made it");
    }
}

fn as_signed(target: &str, header: &str, payload: &str) {
    let proof = signed(header, payload);
    if !counts_once(target, &proof, &SIGNER.public_jwk().thumbprint()) {
        return;
    }
    let header: Value = serde_json::from_str(header).expect("JSON");
    assert_eq!(header["typ"], "dpop+jwt");
    assert_eq!(header["alg"], "EdDSA");
    assert!(header["jwk"].get("d").is_none());
    let claims: Value = serde_json::from_str(payload).expect("JSON");
    assert_eq!(claims["htm"], METHOD);
    assert_eq!(claims["ath"], RFC.ath);
    assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()));
    let age = RFC.iat.0 as f64 - claims["iat"].as_f64().expect("a number");
    assert!(age.abs() <= f64::from(WINDOW_SECONDS), "{age}");
    let htu = claims["htu"].as_str().expect("a text").to_ascii_lowercase();
    assert!(
        htu.starts_with("https://resource.example.org"),
        "another host: {htu}"
    );
}

fn counts_once(target: &str, proof: &str, jkt: &str) -> bool {
    let presented = Presented {
        proof: Some(proof),
        token_sha256: &RFC.token_sha256,
        jkt,
        method: METHOD,
        target,
    };
    let replays = ReplayCache::new(1, WINDOW_SECONDS);
    let counts = || check(&presented, &PLAN, &NonceKeys::default(), &replays, RFC.iat).is_ok();
    if !counts() {
        return false;
    }
    assert!(target.starts_with('/'), "{target}");
    assert!(!counts(), "counts twice");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else mutations of them would all be stopped at the door.
    #[test]
    fn the_seeds_count() {
        let jkt = SIGNER.public_jwk().thumbprint();
        for seed in [
            include_str!("../corpus/dpop_proof/signed"),
            include_str!("../corpus/dpop_proof/signed-spelt"),
        ] {
            let [target, header, payload] = seed
                .splitn(3, '\n')
                .collect::<Vec<_>>()
                .try_into()
                .expect("three lines");
            assert!(counts_once(target, &signed(header, payload), &jkt));
        }
        assert!(counts_once("/protectedresource", &RFC.proof, &RFC.jkt));
    }
}
