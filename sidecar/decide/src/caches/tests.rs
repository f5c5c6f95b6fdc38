//! What a flood does to the tokens that are in use.

use postern_jose::{Algorithm, Expectations, JwkSet, KeySet, LocalSigner, TokenRef, sign_compact, verify};
use serde_json::json;

use super::*;
use crate::issuer::{IssuerRules, TrustedIssuer};
use crate::policy_claims::PolicyClaims;

const NOW: UnixTime = UnixTime(1_000_000);
const WORKING: u64 = 1_000;

/// An issuer, and a caller that a token of some 900 bytes proves.
fn caller() -> (Issuers, Arc<VerifiedCaller>) {
    let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
    let expectations = Expectations {
        issuer: "https://issuer.example".to_owned(),
        audiences: vec!["api".to_owned()],
        algorithms: vec![Algorithm::ES256],
        types: vec!["at+jwt".to_owned()],
        leeway_seconds: 0,
        required_claims: Vec::new(),
    };
    let claims = json!({
        "iss": expectations.issuer, "aud": "api", "sub": "alice", "exp": NOW.0 + 600, "filling": "x".repeat(450),
    });
    let token = sign_compact(&signer, Some("at+jwt"), claims.to_string().as_bytes()).unwrap();
    let keys = Arc::new(KeySet::from_jwks(&JwkSet::new([signer.public_jwk()])));
    let parsed = TokenRef::<PolicyClaims>::parse_into(&token).unwrap();
    let verified = verify(&parsed, &keys, &expectations, NOW).unwrap();
    let issuer = TrustedIssuer::with_keys(Arc::new(IssuerRules::new(expectations)), keys, NOW);
    let issuers = Issuers::new([Arc::new(issuer)]);
    let caller = VerifiedCaller::signed(issuers.at(0).unwrap(), &verified, NOW).unwrap();
    (issuers, Arc::new(caller))
}

fn hash(kind: u8, number: u64) -> TokenHash {
    let mut hash = TokenHash::default();
    hash.copy_from_slice(
        aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            &[&[kind], number.to_le_bytes().as_slice()].concat(),
        )
        .as_ref(),
    );
    hash
}

/// How many of the uses of a working set find their token, in percent, while `others` come, `flood` of them for each use;
/// every one of them verified and remembered.
fn hit_rate(others: u64, flood: u64, shown_twice: bool) -> f64 {
    let (issuers, caller) = caller();
    let cache = TokenCache::new(CacheLimits::default().token_bytes);
    let use_of = |token: TokenHash| {
        let found = cache.find(&token, &issuers, NOW).is_some();
        if !found {
            cache.remember(token, &caller);
        }
        found
    };
    // The working set is in use when the flood begins.
    for token in (0..WORKING).chain(0..WORKING) {
        use_of(hash(1, token));
    }
    let (mut uses, mut hits) = (0u32, 0u32);
    for number in 0..others {
        use_of(hash(2, number));
        // Then it looks like use, as far as it goes.
        if shown_twice {
            use_of(hash(2, number));
        }
        if number % flood == 0 {
            uses += 1;
            hits += u32::from(use_of(hash(1, u64::from(uses) % WORKING)));
        }
    }
    assert!(cache.entries.weight() <= CacheLimits::default().token_bytes);
    assert!(
        cache.evictions.0.load(Ordering::Relaxed) > 0,
        "what went is counted"
    );
    100.0 * f64::from(hits) / f64::from(uses)
}

#[test]
fn a_flood_of_other_tokens_does_not_push_out_the_working_set() {
    for (others, flood, shown_twice) in [
        (1_000_000, 10, false),
        (200_000, 1, false),
        (200_000, 100, false),
        (200_000, 1, true),
    ] {
        let rate = hit_rate(others, flood, shown_twice);
        println!("{others} others, {flood} for each use, shown twice: {shown_twice}: {rate:.1} % found");
        assert!(rate >= 95.0, "{flood} {shown_twice}: {rate}");
    }
}
