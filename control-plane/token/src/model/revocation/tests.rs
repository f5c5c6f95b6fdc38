//! Entries by themselves: what is refused, how long they live, how two become one.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000;

fn claim(name: &str, value: ClaimValue) -> Which {
    Which::Claim {
        name: name.into(),
        value,
    }
}

fn text(name: &str, value: &str) -> Which {
    claim(name, ClaimValue::Text(value.into()))
}

fn parse(which: Which, field: &str, issued_before: i64, expires_at: i64) -> Result<Revocation, Vec<String>> {
    let tokens = Tokens {
        issuer: "https://a.example".into(),
        which,
    };
    Revocation::parse(tokens, field, issued_before, expires_at, String::new(), NOW)
        .map_err(|wrong| wrong.into_iter().map(|invalid| invalid.field).collect())
}

#[test]
fn an_entry_lives_as_long_as_the_tokens_can_unless_it_says() {
    for (which, issued_before, expires_at, lives_until) in [
        (text("jti", "a"), 0, 0, NOW + TOKEN_LIFETIME_SECONDS),
        (text("jti", "a"), 0, NOW + 1, NOW + 1),
        (text("sub", "a"), NOW - 100, 0, NOW - 100 + TOKEN_LIFETIME_SECONDS),
        (text("sub", "a"), NOW + 100, 0, NOW + 100 + TOKEN_LIFETIME_SECONDS),
        (Which::KeyId("a".into()), 0, 0, NOW + MAX_ENTRY_SECONDS),
        (Which::KeyId("a".into()), NOW, NOW + 60, NOW + 60),
    ] {
        let entry = parse(which, "claim", issued_before, expires_at).unwrap();
        assert_eq!(entry.expires_at, lives_until, "{entry:?}");
        assert_eq!((entry.revoked_at, entry.issued_before), (NOW, issued_before));
    }
}

#[test]
fn what_is_wrong_is_named_by_its_field() {
    let long = "x".repeat(1_025);
    for (which, field, issued_before, expires_at, wrong) in [
        (text("jti", ""), "jti", 0, 0, "jti"),
        (text("sid", &long), "sid", 0, 0, "sid"),
        (Which::KeyId(String::new()), "key_id", 0, 0, "key_id"),
        (text("", "a"), "claim", 0, 0, "claim.name"),
        (text("a", ""), "claim", 0, 0, "claim.text"),
        (text("jti", "a"), "jti", -1, 0, "issued_before"),
        (text("jti", "a"), "jti", 1, 0, "issued_before"),
        (text("jti", "a"), "jti", i64::MAX, NOW + 1, "issued_before"),
        (text("jti", "a"), "jti", 0, NOW, "expires_at"),
        (text("jti", "a"), "jti", 0, -1, "expires_at"),
        (
            text("jti", "a"),
            "jti",
            0,
            NOW + MAX_ENTRY_SECONDS + 1,
            "expires_at",
        ),
    ] {
        assert_eq!(
            parse(which, field, issued_before, expires_at).unwrap_err(),
            [wrong]
        );
    }
    let tokens = Tokens {
        issuer: "x".repeat(513),
        which: text("", ""),
    };
    let wrong = Revocation::parse(tokens, "claim", -1, -1, "\n".into(), NOW).unwrap_err();
    let fields: Vec<&str> = wrong.iter().map(|invalid| invalid.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "claim.name",
            "claim.text",
            "issuer",
            "issued_before",
            "expires_at",
            "reason"
        ],
        "all at once"
    );
}

#[test]
fn no_two_kinds_of_tokens_share_an_id() {
    let issuer = "https://a.example".to_owned();
    let mut ids: Vec<String> = [
        text("a", "1"),
        claim("a", ClaimValue::Integer(1)),
        text("a", "true"),
        claim("a", ClaimValue::Boolean(true)),
        Which::KeyId("1".into()),
        text("a1", ""),
        text("", "a1"),
    ]
    .map(|which| Tokens {
        issuer: issuer.clone(),
        which,
    })
    .map(|tokens| tokens.id())
    .to_vec();
    let all = ids.len();
    assert!(ids.iter().all(|id| id.len() == 32));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

fn entry() -> impl Strategy<Value = Revocation> {
    (prop_oneof![Just(0), 1_i64..50], 1_i64..50, 0_i64..50).prop_map(|(issued_before, lives, revoked_at)| {
        Revocation {
            tokens: Tokens {
                issuer: "i".into(),
                which: text("jti", "a"),
            },
            issued_before,
            expires_at: revoked_at + lives,
            revoked_at,
            reason: String::new(),
        }
    })
}

fn covers(entry: &Revocation, iat: i64, at: i64) -> bool {
    at < entry.expires_at && (entry.issued_before == 0 || iat < entry.issued_before)
}

proptest! {
    #[test]
    fn nothing_that_was_revoked_becomes_valid_by_revoking_again(
        former in entry(), later in entry(), iat in 0_i64..60, at in 0_i64..120,
    ) {
        prop_assume!(later.revoked_at >= former.revoked_at && at >= later.revoked_at);
        let merged = later.clone().on_top_of(Some(&former));
        if covers(&former, iat, at) || covers(&later, iat, at) {
            prop_assert!(covers(&merged, iat, at));
        }
        prop_assert_eq!(later.clone().on_top_of(None), later.clone());
        prop_assert_eq!(later.clone().on_top_of(Some(&later)), later);
    }
}
