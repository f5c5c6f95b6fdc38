//! Bundles that their signer put in an order are published in it.

use super::*;

fn ordered(revision: &str, sequence: u64, signer: &dyn Signer) -> Bytes {
    let limits = Limits::default();
    let archive = bundle::with_sequence(&unsigned(revision), sequence, &limits).unwrap();
    bundle::sign(&archive, signer, "demo", &limits).unwrap().into()
}

#[tokio::test]
async fn one_that_is_not_newer_is_refused_and_a_higher_sequence_brings_its_content_back() {
    let House { policies, signer, .. } = &house().await;
    let publish = |archive| policies.publish(name("demo"), archive);
    publish(ordered("r5", 50, signer)).await.unwrap();
    let newest = ordered("r6", 60, signer);
    assert_eq!(publish(newest.clone()).await.unwrap().sequence, Some(60));
    for sequence in [50, 60] {
        let error = publish(ordered("r5", sequence, signer)).await.unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, PolicyError::Refused { .. }), "{said}");
        assert!(
            said.contains(&format!(
                "its sequence is {sequence}, and 60 was published already"
            )) && said.contains("postern bundle sign"),
            "{said}"
        );
        assert_eq!(policies.catalog().bundle(&name("demo")).unwrap().revision(), "r6");
    }
    publish(newest).await.expect("the very same changes nothing");
    let back = publish(ordered("r5", 61, signer)).await.unwrap();
    assert_eq!((back.revision(), back.sequence), ("r5", Some(61)));
    // Another name has an order of its own.
    policies
        .publish(name("other"), ordered("r1", 1, signer))
        .await
        .unwrap();
}

#[tokio::test]
async fn bundles_without_a_sequence_are_never_ordered_and_make_nobody_forget() {
    let House {
        policies: before,
        signer,
        database,
        _folder,
    } = &house().await;
    before
        .publish(name("demo"), ordered("r6", 60, signer))
        .await
        .unwrap();
    // More than are kept: that with the sequence is gone.
    for revision in ["a", "b", "c"] {
        let published = before
            .publish(name("demo"), archive(revision, signer))
            .await
            .unwrap();
        assert_eq!(published.sequence, None);
    }
    let after = policies(database, signer);
    after.restore().await.unwrap();
    assert!(
        after
            .publish(name("demo"), ordered("r5", 50, signer))
            .await
            .is_err()
    );
    assert!(
        after
            .publish(name("demo"), ordered("r7", 70, signer))
            .await
            .is_ok()
    );
}
