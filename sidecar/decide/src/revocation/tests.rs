//! The set against a model of it, and by examples.

use std::collections::HashMap;

use postern_rego::Value;
use proptest::prelude::*;

use super::*;

const ISSUER: &str = "https://issuer.example";
const NOW: UnixTime = UnixTime(1_000);

fn claims(json: &str) -> Value {
    Value::from_json_str(json).unwrap()
}

fn found(set: &Revocations, issuer: &str, json: &str) -> Option<String> {
    let claims = claims(json);
    let subject = Subject {
        issuer,
        key_id: Some("key-1"),
        claims: &claims,
    };
    set.find(&subject, NOW).map(|by| match by.name {
        Name::Claim(claim) => claim.to_owned(),
        Name::KeyId => "(key)".to_owned(),
    })
}

fn set_with(add: impl FnOnce(&mut Edit)) -> Revocations {
    let mut edit = Revocations::unheard().edit();
    add(&mut edit);
    edit.finish()
}

#[test]
fn an_empty_set_finds_nothing() {
    assert_eq!(
        found(&Revocations::without_stream(), ISSUER, r#"{"jti":"a"}"#),
        None
    );
}

#[test]
fn a_token_is_revoked_by_issuer_claim_and_value_together() {
    let set = set_with(|edit| {
        edit.add(ISSUER, Name::Claim("sid"), Scalar::String("s1"), None, None);
    });
    for (issuer, json, by) in [
        (ISSUER, r#"{"sid":"s1","iat":1}"#, Some("sid")),
        (ISSUER, r#"{"sid":"s1"}"#, Some("sid")),
        (ISSUER, r#"{"sid":["s0","s1"]}"#, Some("sid")),
        (ISSUER, r#"{"sid":"s2"}"#, None),
        (ISSUER, r#"{"jti":"s1"}"#, None),
        (ISSUER, r#"{"sid":{"s1":"s1"}}"#, None),
        (ISSUER, r#"{"sid":null}"#, None),
        ("https://other.example", r#"{"sid":"s1"}"#, None),
    ] {
        assert_eq!(found(&set, issuer, json).as_deref(), by, "{issuer} {json}");
    }
}

#[test]
fn kinds_of_values_are_told_apart_and_ways_to_write_an_integer_are_not() {
    let set = set_with(|edit| {
        edit.add(ISSUER, Name::Claim("n"), Scalar::Integer(7), None, None);
        edit.add(ISSUER, Name::Claim("b"), Scalar::Bool(true), None, None);
    });
    for (json, revoked) in [
        (r#"{"n":7}"#, true),
        (r#"{"n":7.0}"#, true),
        (r#"{"n":0.7e1}"#, true),
        (r#"{"n":7.5}"#, false),
        (r#"{"n":7.0000000000000000001}"#, false),
        (r#"{"n":7e300}"#, false),
        (r#"{"n":"7"}"#, false),
        (r#"{"n":8}"#, false),
        (r#"{"b":true}"#, true),
        (r#"{"b":false}"#, false),
        (r#"{"b":"true"}"#, false),
    ] {
        assert_eq!(found(&set, ISSUER, json).is_some(), revoked, "{json}");
    }
}

#[test]
fn a_key_revokes_what_it_signed() {
    let set = set_with(|edit| edit.add(ISSUER, Name::KeyId, Scalar::String("key-1"), None, None));
    assert_eq!(found(&set, ISSUER, "{}").as_deref(), Some("(key)"));
    // A claim that happens to be called so is something else.
    let by_claim = set_with(|edit| {
        edit.add(ISSUER, Name::Claim("kid"), Scalar::String("key-1"), None, None);
    });
    assert_eq!(found(&by_claim, ISSUER, "{}"), None);
}

#[test]
fn issued_before_spares_later_tokens_and_none_that_do_not_say() {
    let set = set_with(|edit| {
        edit.add(
            ISSUER,
            Name::Claim("sub"),
            Scalar::String("u"),
            Some(UnixTime(500)),
            None,
        );
    });
    for (json, revoked) in [
        (r#"{"sub":"u","iat":499}"#, true),
        (r#"{"sub":"u","iat":499.9}"#, true),
        (r#"{"sub":"u","iat":500}"#, false),
        (r#"{"sub":"u","iat":500.5}"#, false),
        (r#"{"sub":"u"}"#, true),
        (r#"{"sub":"u","iat":"600"}"#, true),
        (r#"{"sub":"u","iat":1e300}"#, true),
    ] {
        assert_eq!(found(&set, ISSUER, json).is_some(), revoked, "{json}");
    }
}

#[test]
fn an_entry_ends_and_is_purged_with_its_name() {
    let set = set_with(|edit| {
        let name = Name::Claim("jti");
        edit.add(ISSUER, name, Scalar::String("a"), None, Some(UnixTime(1_000)));
        edit.add(ISSUER, name, Scalar::String("b"), None, Some(UnixTime(1_001)));
    });
    assert_eq!(found(&set, ISSUER, r#"{"jti":"a"}"#), None);
    assert_eq!(found(&set, ISSUER, r#"{"jti":"b"}"#).as_deref(), Some("jti"));
    let purged = set.purged(NOW);
    assert_eq!((set.len(), purged.len(), purged.watched().count()), (2, 1, 1));
    assert_eq!(found(&purged, ISSUER, r#"{"jti":"b"}"#).as_deref(), Some("jti"));
    let purged = set.purged(UnixTime(1_001));
    assert_eq!((purged.len(), purged.watched().count()), (0, 0));
}

#[test]
fn what_can_not_be_written_down_is_revoked_longer_never_shorter() {
    let far = Some(UnixTime(1 << 40));
    let set = set_with(|edit| edit.add(ISSUER, Name::Claim("jti"), Scalar::String("a"), far, far));
    assert!(found(&set, ISSUER, r#"{"jti":"a","iat":999}"#).is_some());
    assert_eq!(set.purged(UnixTime(1 << 33)).len(), 1);
}

#[test]
fn silence_is_measured_from_when_the_stream_was_heard() {
    let stale = |set: &Revocations, now| set.is_stale(UnixTime(now), 30);
    assert!(stale(&Revocations::without_stream(), 0));
    assert!(stale(&Revocations::unheard(), 0));
    let heard = Revocations::unheard().heard_at(UnixTime(100));
    assert!(!stale(&heard, 130));
    assert!(stale(&heard, 131));
}

#[test]
fn a_change_makes_another_generation_and_hearing_does_not() {
    let set = Revocations::unheard();
    assert_eq!(set.heard_at(NOW).generation(), set.generation());
    assert_eq!(set.purged(NOW).generation(), set.generation());
    assert_ne!(set.edit().finish().generation(), set.generation());
}

/// One step of what a stream may bring.
#[derive(Debug, Clone)]
enum Step {
    Add(u8, u8, u16, Option<u16>, Option<u16>),
    Remove(u8, u8, u16),
    Finish,
    Purge(u16),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = || proptest::option::of(0u16..2_000);
    let step = prop_oneof![
        40 => (0u8..2, 0u8..3, 0u16..200, time(), time())
            .prop_map(|(issuer, name, value, before, until)| Step::Add(issuer, name, value, before, until)),
        20 => (0u8..2, 0u8..3, 0u16..200).prop_map(|(issuer, name, value)| Step::Remove(issuer, name, value)),
        10 => Just(Step::Finish),
        2 => (0u16..2_000).prop_map(Step::Purge),
        1 => Just(Step::Clear),
    ];
    proptest::collection::vec(step, 0..400)
}

fn name(number: u8) -> Name<'static> {
    match number {
        0 => Name::Claim("jti"),
        1 => Name::Claim("sid"),
        _ => Name::KeyId,
    }
}

type Model = HashMap<(u8, u8, u16), (Option<u16>, Option<u16>)>;

proptest! {
    /// P24: whatever the stream brought, the set says what a plain map of the same says.
    #[test]
    fn the_set_is_what_a_plain_map_would_be(steps in steps(), issued_at in 0u16..2_000, now in 0u16..2_000) {
        let mut model = Model::new();
        let mut set = Revocations::unheard();
        let mut edit = set.edit();
        let mut purged_at = 0;
        for step in steps {
            match step {
                Step::Add(issuer, claim, value, before, until) => {
                    let time = |at: Option<u16>| at.map(|at| UnixTime(i64::from(at)));
                    let text = value.to_string();
                    edit.add(&issuer.to_string(), name(claim), Scalar::String(&text), time(before), time(until));
                    model.insert((issuer, claim, value), (before, until));
                }
                Step::Remove(issuer, claim, value) => {
                    edit.remove(&issuer.to_string(), name(claim), Scalar::String(&value.to_string()));
                    model.remove(&(issuer, claim, value));
                }
                Step::Finish => {
                    set = edit.finish();
                    edit = set.edit();
                }
                Step::Purge(at) => {
                    set = edit.finish().purged(UnixTime(i64::from(at)));
                    purged_at = purged_at.max(at);
                    model.retain(|_, (_, until)| until.is_none_or(|until| at < until));
                    edit = set.edit();
                }
                Step::Clear => {
                    edit.clear();
                    model.clear();
                }
            }
        }
        let set = edit.finish();
        prop_assert_eq!(set.len(), model.len());
        prop_assert_eq!(set.entries().count(), model.len());
        // Time doesn't run backwards: what was purged needn't be known at an earlier moment.
        let now = now.max(purged_at);
        for issuer in 0..2 {
            for claim in 0..3 {
                for value in 0..200u16 {
                    let claims = claims(&format!(
                        r#"{{"iat":{issued_at},"{}":"{value}"}}"#,
                        if claim == 0 { "jti" } else { "sid" },
                    ));
                    let text = value.to_string();
                    let issuer_name = issuer.to_string();
                    let subject = Subject {
                        issuer: &issuer_name,
                        key_id: (claim == 2).then_some(&text),
                        claims: if claim == 2 { &Value::Null } else { &claims },
                    };
                    let issued_at = (claim != 2).then_some(issued_at);
                    let expected = model.get(&(issuer, claim, value)).is_some_and(|(before, until)| {
                        before.is_none_or(|before| issued_at.is_none_or(|at| at < before))
                            && until.is_none_or(|until| now < until)
                    });
                    let found = set.find(&subject, UnixTime(i64::from(now)));
                    prop_assert_eq!(found.map(|by| by.name), expected.then(|| name(claim)));
                }
            }
        }
    }

    /// An older version of the set doesn't change when a newer one is made of it.
    #[test]
    fn versions_do_not_disturb_each_other(values in proptest::collection::vec(0u32..100_000, 1..500)) {
        let add = |set: &Revocations, value: u32| {
            let mut edit = set.edit();
            edit.add(ISSUER, Name::Claim("jti"), Scalar::String(&value.to_string()), None, None);
            edit.finish()
        };
        let versions = values.iter().scan(Revocations::unheard(), |set, value| {
            *set = add(set, *value);
            Some(set.clone())
        }).collect::<Vec<_>>();
        let mut distinct = std::collections::HashSet::new();
        for (version, value) in versions.iter().zip(&values) {
            distinct.insert(*value);
            prop_assert_eq!(version.len(), distinct.len());
        }
    }
}
