//! The use cases against a real database.

use std::collections::BTreeSet;

use postern_store::testing::{ManualClock, SeededEntropy};
use proptest::prelude::*;

use super::*;
use crate::model::{Audience, ClientName, Scope};

struct House {
    identity: Identity,
    folder: tempfile::TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("postern.db")).await.unwrap();
    database.migrate(&crate::MIGRATIONS).await.unwrap();
    let clock = Arc::new(ManualClock::at(1_700_000_000));
    House {
        identity: Identity::new(database, clock, Arc::new(SeededEntropy::new(7))),
        folder,
    }
}

fn registration(client_id: &str) -> Registration {
    Registration {
        client_id: (!client_id.is_empty()).then(|| ClientId::parse(client_id).unwrap()),
        name: ClientName::parse("A client").unwrap(),
        scopes: ["orders:write", "orders:read"]
            .into_iter()
            .filter_map(Scope::parse)
            .collect(),
        audience: vec![Audience::parse("urn:postern:demo").unwrap()],
        secret: None,
    }
}

#[tokio::test]
async fn a_registered_client_authenticates_with_its_secret() {
    let house = house().await;
    let registered = house.identity.register(registration("reader")).await.unwrap();
    assert_eq!(registered.client.created_at, 1_700_000_000);
    let client = house
        .identity
        .authenticate("reader", &registered.secret)
        .await
        .unwrap();
    assert_eq!(client, registered.client);
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_client_and_no_id_at_all_are_refused_alike() {
    let house = house().await;
    let registered = house.identity.register(registration("reader")).await.unwrap();
    let wrong = ClientSecret::from("wrong".to_owned());
    for (client_id, secret) in [
        ("reader", &wrong),
        ("nobody", &registered.secret),
        ("not an id", &wrong),
        ("", &wrong),
        ("READER", &registered.secret),
    ] {
        let error = house.identity.authenticate(client_id, secret).await.unwrap_err();
        assert!(
            matches!(error, IdentityError::NotAuthenticated),
            "{client_id}: {error}"
        );
    }
}

#[tokio::test]
async fn a_generated_id_is_a_uuid_and_every_client_gets_its_own() {
    let house = house().await;
    let one = house.identity.register(registration("")).await.unwrap();
    let two = house.identity.register(registration("")).await.unwrap();
    assert_ne!(one.client.client_id, two.client.client_id);
    assert_ne!(one.secret.expose(), two.secret.expose());
    assert_eq!(
        uuid::Uuid::parse_str(one.client.client_id.as_str())
            .unwrap()
            .get_version_num(),
        4
    );
}

#[tokio::test]
async fn a_taken_id_is_refused_and_the_first_client_keeps_its_secret() {
    let house = house().await;
    let first = house.identity.register(registration("reader")).await.unwrap();
    let error = house.identity.register(registration("reader")).await.unwrap_err();
    assert!(matches!(error, IdentityError::AlreadyExists(_)), "{error}");
    house
        .identity
        .authenticate("reader", &first.secret)
        .await
        .unwrap();
}

#[tokio::test]
async fn pages_hold_every_client_once_in_order() {
    let house = house().await;
    for id in ["e", "a", "c", "b", "d"] {
        house.identity.register(registration(id)).await.unwrap();
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = house.identity.list(2, &token).await.unwrap();
        seen.extend(page.clients.iter().map(|client| client.client_id.to_string()));
        match page.next {
            Some(next) => token = next.to_string(),
            None => break,
        }
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    assert!(
        house.identity.list(5, "").await.unwrap().next.is_none(),
        "a full last page is the last"
    );
    assert!(matches!(
        house.identity.list(2, "no token").await,
        Err(IdentityError::PageToken)
    ));
}

#[tokio::test]
async fn the_database_never_holds_a_secret() {
    let House { identity, folder } = house().await;
    let registered = identity.register(registration("reader")).await.unwrap();
    identity.database.close().await;
    let secret = registered.secret.expose().as_bytes();
    for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(
            !bytes.windows(secret.len()).any(|window| window == secret),
            "{:?}",
            entry.path()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_registered_is_what_is_found(
        id in "[A-Za-z0-9._~-]{1,128}",
        name in "[^\\p{Cc}]{1,128}",
        scopes in prop::collection::btree_set("[!#-\\[\\]-~]{1,128}", 0..20),
        audience in prop::collection::btree_set("[!-~]{1,512}", 1..5),
        secret in "[ -~]{32,256}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let house = house().await;
            let scopes: Vec<String> = scopes.into_iter().collect();
            let audience: Vec<String> = audience.into_iter().collect();
            let secret = ClientSecret::from(secret);
            let registration =
                Registration::parse(&id, &name, &scopes, &audience, secret.clone()).unwrap();
            let registered = house.identity.register(registration).await.unwrap();
            let found = house.identity.authenticate(&id, &secret).await.unwrap();
            prop_assert_eq!(&found, &registered.client);
            prop_assert_eq!(found.name.as_str(), name);
            prop_assert_eq!(
                found.scopes.iter().map(Scope::as_str).collect::<BTreeSet<_>>(),
                scopes.iter().map(String::as_str).collect::<BTreeSet<_>>()
            );
            Ok(())
        })?;
    }
}
