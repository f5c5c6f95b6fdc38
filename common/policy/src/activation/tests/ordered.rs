//! Bundles that their signer put in an order.

use postern_jose::{Algorithm, LocalSigner};

use super::*;
use crate::bundle::{VerificationKey, sign, with_sequence};

struct Author {
    signer: LocalSigner,
    trusted: Verification,
}

impl Author {
    fn new() -> Self {
        let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
        let key = VerificationKey::new("author", Algorithm::ES256, signer.public_jwk()).unwrap();
        let trusted = Verification::keys([key]).unwrap();
        Self { signer, trusted }
    }

    /// A bundle that answers `k`, signed.
    fn bundle(&self, k: i64, sequence: Option<u64>) -> Vec<u8> {
        let limits = Limits::default();
        let archive = builder(k).plan(PLAN).build().unwrap();
        let archive = match sequence {
            Some(sequence) => with_sequence(&archive, sequence, &limits).unwrap(),
            None => archive,
        };
        sign(&archive, &self.signer, "author", &limits).unwrap()
    }
}

fn bring(active: &mut Active, archive: &[u8], verification: &Verification) -> Result<String, Refusal> {
    let verified = fetched("one", archive).verify(verification, &Limits::default())?;
    let tried = ready(verified.join(active)?, &demand(true))
        .check()?
        .attempt(&env())?;
    Ok(answer(&active.swap(tried).unwrap()))
}

#[test]
fn an_older_one_is_refused_and_its_content_comes_back_under_a_higher_sequence() {
    let author = Author::new();
    let mut active = Active::of_one_bundle(None);
    let mut bring = |k, sequence| bring(&mut active, &author.bundle(k, Some(sequence)), &author.trusted);
    assert_eq!(bring(5, 50).unwrap(), "5");
    assert_eq!(bring(6, 60).unwrap(), "6");
    let refusal = bring(5, 50).unwrap_err();
    assert_eq!((refusal.step, refusal.step.name()), (Step::Order, "order"));
    assert_eq!(refusal.bundles, ["one"]);
    let said = refusal.to_string();
    assert!(
        said.contains("sequence is 50, and 60 was in force") && said.contains("postern bundle sign"),
        "{said}"
    );
    assert_eq!(
        bring(6, 60).unwrap(),
        "6",
        "the one in force is not older than itself"
    );
    assert_eq!(bring(5, 61).unwrap(), "5");
    assert_eq!(active.highest_sequence(), Some(61));
    assert_eq!(active.bundles().next().unwrap().sequence, Some(61));
}

#[test]
fn what_was_in_force_before_the_process_began_counts() {
    let author = Author::new();
    let mut active = Active::of_one_bundle(Some(60));
    let refusal = bring(&mut active, &author.bundle(5, Some(59)), &author.trusted).unwrap_err();
    assert_eq!(
        *refusal.reason,
        Reason::Older(OlderBundle {
            sequence: 59,
            highest: 60
        })
    );
    assert!(bring(&mut active, &author.bundle(5, Some(60)), &author.trusted).is_ok());
}

#[test]
fn one_that_was_refused_later_does_not_raise_the_bar() {
    let author = Author::new();
    let mut active = Active::of_one_bundle(None);
    bring(&mut active, &author.bundle(1, Some(10)), &author.trusted).unwrap();
    let limits = Limits::default();
    let fails = builder(2).plan(FAILS).build().unwrap();
    let fails = with_sequence(&fails, 99, &limits).unwrap();
    let fails = sign(&fails, &author.signer, "author", &limits).unwrap();
    assert_eq!(
        bring(&mut active, &fails, &author.trusted).unwrap_err().step,
        Step::Try
    );
    assert_eq!(
        bring(&mut active, &author.bundle(3, Some(11)), &author.trusted).unwrap(),
        "3"
    );
}

#[test]
fn bundles_without_a_sequence_and_unsigned_ones_are_never_ordered() {
    let author = Author::new();
    let mut active = Active::of_one_bundle(None);
    bring(&mut active, &author.bundle(1, Some(10)), &author.trusted).unwrap();
    assert_eq!(
        bring(&mut active, &author.bundle(2, None), &author.trusted).unwrap(),
        "2"
    );
    // It doesn't open the way back, either.
    assert!(bring(&mut active, &author.bundle(1, Some(9)), &author.trusted).is_err());

    let mut active = Active::of_one_bundle(None);
    for (k, sequence) in [(1, 10), (2, 9)] {
        let archive = author.bundle(k, Some(sequence));
        assert_eq!(
            bring(&mut active, &archive, &Verification::Unsigned).unwrap(),
            k.to_string()
        );
    }
    assert_eq!(active.highest_sequence(), None);
}

#[test]
fn beside_other_bundles_nothing_is_ordered_as_in_opa() {
    let author = Author::new();
    let mut active = Active::default();
    for (k, sequence) in [(1, 10), (2, 9)] {
        let archive = author.bundle(k, Some(sequence));
        assert_eq!(
            bring(&mut active, &archive, &author.trusted).unwrap(),
            k.to_string()
        );
    }
}

#[test]
fn a_sequence_that_is_none_is_refused() {
    let author = Author::new();
    let archive = builder(1)
        .plan(PLAN)
        .metadata("postern", serde_json::json!({ "sequence": -1 }))
        .build()
        .unwrap();
    let archive = sign(&archive, &author.signer, "author", &Limits::default()).unwrap();
    let refusal = bring(&mut Active::of_one_bundle(None), &archive, &author.trusted).unwrap_err();
    assert_eq!(refusal.step, Step::Order);
    assert!(
        refusal.to_string().contains("metadata.postern.sequence"),
        "{refusal}"
    );
}
