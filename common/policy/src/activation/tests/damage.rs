//! Bundles that were damaged on their way, and plans that are nonsense.

use postern_jose::{Algorithm, LocalSigner};
use proptest::prelude::*;

use super::{Active, NextStep, PLAN, Refusal, active, answer, builder, demand, env, fetched, in_force, one};
use crate::bundle::{VerificationKey, sign};
use crate::{Limits, Verification};

/// How an archive is damaged.
#[derive(Debug, Clone)]
enum Damage {
    /// Of these bytes some are changed, cut out, doubled: of the archive, or of the tar in it.
    Bytes {
        tar: bool,
        at: Vec<(prop::sample::Index, u8, u8)>,
    },
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let places = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6);
    prop_oneof![
        4 => (any::<bool>(), places).prop_map(|(tar, at)| Damage::Bytes { tar, at }),
        1 => any::<prop::sample::Index>().prop_map(Damage::Cut),
    ]
}

fn damaged(archive: &[u8], damage: &Damage) -> Vec<u8> {
    use std::io::{Read as _, Write as _};
    let change = |bytes: &mut Vec<u8>, at: &[(prop::sample::Index, u8, u8)]| {
        for (at, byte, how) in at {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = *byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, *byte),
            }
        }
    };
    let mut bytes = archive.to_vec();
    match damage {
        Damage::Cut(at) => bytes.truncate(at.index(archive.len())),
        Damage::Bytes { tar: false, at } => change(&mut bytes, at),
        Damage::Bytes { tar: true, at } => {
            let mut tar = Vec::new();
            flate2::read::GzDecoder::new(archive)
                .read_to_end(&mut tar)
                .unwrap();
            change(&mut tar, at);
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&tar).unwrap();
            bytes = gzip.finish().unwrap();
        }
    }
    bytes
}

/// Takes an archive through every step, with a compiler that makes what it is asked for.
fn through(archive: &[u8], verification: &Verification, active: &mut Active) -> Result<String, Refusal> {
    let verified = fetched("one", archive).verify(verification, &Limits::default())?;
    let ready = match verified.join(active)?.next(&demand(true))? {
        NextStep::Ready(ready) => *ready,
        NextStep::Compile(compiling) => {
            let compiled = compiling.job().begin().built(PLAN.as_bytes().to_vec());
            compiling.compiled(&compiled)?
        }
    };
    let tried = ready.check()?.attempt(&env())?;
    Ok(answer(&active.swap(tried).unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// A bundle that was damaged on its way, with its plan or without: it is refused, and the last good one stays, or it is
    /// what its signer signed.
    #[test]
    fn no_damaged_bundle_becomes_another_policy(damage in damage(), with_plan in any::<bool>()) {
        let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
        let key = VerificationKey::new("k", Algorithm::ES256, signer.public_jwk()).unwrap();
        let trust = Verification::keys([key]).unwrap();
        let honest = if with_plan { builder(2).plan(PLAN) } else { builder(2) };
        let signed = sign(&honest.build().unwrap(), &signer, "k", &Limits::default()).unwrap();
        let mut active = active();
        prop_assert_eq!(through(&signed, &trust, &mut active.clone()).unwrap(), "2");
        match through(&damaged(&signed, &damage), &trust, &mut active) {
            Ok(answer) => prop_assert_eq!(answer, "2"),
            Err(refusal) => {
                prop_assert_eq!(refusal.bundles, ["one"]);
                prop_assert_eq!(in_force(&active), one());
            }
        }
    }

    /// Without a signature the archive's own checksum is all there is: no byte of it changes unnoticed; what is in it may be
    /// anything, and panics nowhere.
    #[test]
    fn no_damaged_archive_panics(damage in damage(), with_plan in any::<bool>()) {
        let honest = if with_plan { builder(2).plan(PLAN) } else { builder(2) };
        let archive = honest.build().unwrap();
        let mut active = active();
        let came = through(&damaged(&archive, &damage), &Verification::Unsigned, &mut active);
        match (&damage, came) {
            (Damage::Bytes { tar: true, .. }, _) => {}
            (_, Ok(answer)) => prop_assert_eq!(answer, "2"),
            (_, Err(_)) => prop_assert_eq!(in_force(&active), one()),
        }
    }

    /// Any plan and any Rego that somebody signed: refused or taken, and nothing else.
    #[test]
    fn no_signed_nonsense_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), rego in ".{0,40}") {
        let mut plan = PLAN.as_bytes().to_vec();
        let at = at.index(plan.len());
        plan[at] = byte;
        let Ok(archive) = builder(2).plan(plan).file("r.rego", format!("package a{rego}")).build() else { return Ok(()) };
        let mut active = active();
        if through(&archive, &Verification::Unsigned, &mut active).is_err() {
            prop_assert_eq!(in_force(&active), one());
        }
    }
}
