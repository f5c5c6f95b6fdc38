use super::*;

const NOW: UnixTime = UnixTime(1_000);

fn key(id: &str, text: &str, expires_at: Option<i64>) -> ApiKey {
    ApiKey {
        id: id.into(),
        name: "for tests".into(),
        subject: "robot".into(),
        scopes: Arc::from(["orders:read".into()]),
        expires_at: expires_at.map(UnixTime),
        sha256: digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap(),
    }
}

fn keys() -> ApiKeys {
    ApiKeys::default().with(
        [
            key("a", "postern_key_a_s-e_cret", None),
            key("b", "postern_key_b_other", Some(1_001)),
        ],
        [],
    )
}

#[test]
fn a_key_is_found_by_its_whole_text() {
    let found = |text| keys().find(text, NOW).map(|key| key.id.to_string());
    assert_eq!(found("postern_key_a_s-e_cret"), Ok("a".to_owned()));
    assert_eq!(found("postern_key_b_other"), Ok("b".to_owned()));
    for (text, error) in [
        ("postern_key_a_s-e_cre", ApiKeyError::WrongSecret),
        ("postern_key_a_s-e_crett", ApiKeyError::WrongSecret),
        ("postern_key_a_", ApiKeyError::WrongSecret),
        ("postern_key_b_s-e_cret", ApiKeyError::WrongSecret),
        ("postern_key_c_s-e_cret", ApiKeyError::Unknown),
        ("postern_key__s-e_cret", ApiKeyError::Unknown),
        ("postern_key_a", ApiKeyError::Malformed),
        ("Postern_key_a_s-e_cret", ApiKeyError::Malformed),
        (" postern_key_a_s-e_cret", ApiKeyError::Malformed),
        ("", ApiKeyError::Malformed),
    ] {
        assert_eq!(found(text), Err(error), "{text}");
    }
    let long = format!("postern_key_a_{}", "x".repeat(300));
    assert_eq!(found(&long), Err(ApiKeyError::Malformed));
}

#[test]
fn a_key_counts_until_it_expires() {
    let at = |now| keys().find("postern_key_b_other", UnixTime(now)).map(|_| ());
    assert_eq!(at(1_000), Ok(()));
    assert_eq!(at(1_001), Err(ApiKeyError::Expired));
}

#[test]
fn a_removed_key_is_unknown_and_a_replaced_one_has_its_new_secret() {
    let removed = keys().with([], ["a"]);
    assert_eq!(
        removed.find("postern_key_a_s-e_cret", NOW),
        Err(ApiKeyError::Unknown)
    );
    assert!(removed.find("postern_key_b_other", NOW).is_ok());
    let replaced = keys().with([key("a", "postern_key_a_new", None)], []);
    assert!(replaced.find("postern_key_a_new", NOW).is_ok());
    assert_eq!(
        replaced.find("postern_key_a_s-e_cret", NOW),
        Err(ApiKeyError::WrongSecret)
    );
}
