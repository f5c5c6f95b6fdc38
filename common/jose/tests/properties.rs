//! P1: an invalid token is never accepted. P2: a token's claims come back with nothing lost.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod support;

use std::fmt;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::hmac;
use postern_jose::{Algorithm, LocalSigner, Signer, pem};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};
use support::{Issuer, LEEWAY, NOW, decode, encode, parts, signed, signed_text, to_text};

/// At least so many cases; more by `PROPTEST_CASES`.
fn cases(least: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(least),
        ..default
    }
}

static ISSUERS: LazyLock<Vec<Issuer>> = LazyLock::new(|| {
    [
        Algorithm::ES256,
        Algorithm::EdDSA,
        Algorithm::RS256,
        Algorithm::ES384,
        Algorithm::PS256,
    ]
    .map(Issuer::new)
    .into()
});
static ATTACKER: LazyLock<LocalSigner> = LazyLock::new(|| LocalSigner::generate(Algorithm::ES256).unwrap());

type Make = dyn Fn(&Issuer, &str) -> String;

/// A text made from the issuer's valid token that must not be accepted, unless it is that very token.
#[derive(Clone)]
struct Forgery {
    name: &'static str,
    make: Arc<Make>,
}

fn forgery(name: &'static str, make: impl Fn(&Issuer, &str) -> String + 'static) -> Forgery {
    Forgery {
        name,
        make: Arc::new(make),
    }
}

impl fmt::Debug for Forgery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The token's text damaged somewhere: any other text than the issuer's is no token of the issuer's.
fn damaged_text() -> impl Strategy<Value = Forgery> {
    prop_oneof![
        (any::<Index>(), any::<char>()).prop_map(|(at, new)| forgery(
            "replace a character",
            move |_, token| {
                edit(token, at, |text, at| {
                    text.replace_range(at..=at, new.encode_utf8(&mut [0; 4]));
                })
            }
        )),
        (any::<Index>(), "[A-Za-z0-9_.=+/ \\n\\-]")
            .prop_map(|(at, new)| forgery("insert a character", move |_, token| {
                edit(token, at, |text, at| text.insert_str(at, &new))
            })),
        any::<Index>().prop_map(|at| forgery("remove a character", move |_, token| {
            edit(token, at, |text, at| text.replace_range(at..=at, ""))
        })),
        any::<Index>().prop_map(|at| forgery("cut off the end", move |_, token| {
            edit(token, at, |text, at| text.truncate(at))
        })),
        any::<Index>().prop_map(|at| forgery("cut off the start", move |_, token| {
            edit(token, at, |text, at| drop(text.drain(..=at)))
        })),
        "[ =.\\n\\t\\r\\x00A]{1,4}"
            .prop_map(|end| forgery("append", move |_, token| token.to_owned() + &end)),
        "[ =.\\n\\t\\r\\x00A]{1,4}"
            .prop_map(|start| forgery("prepend", move |_, token| start.clone() + token)),
    ]
}

fn edit(token: &str, at: Index, change: impl FnOnce(&mut String, usize)) -> String {
    let mut text = token.to_owned();
    change(&mut text, at.index(token.len()));
    text
}

/// One bit of one decoded part flipped, and the part spelled right again.
fn flipped_bits() -> impl Strategy<Value = Forgery> {
    (0..3_usize, any::<Index>(), 0..8_u8).prop_map(|(part, at, bit)| {
        forgery("flip a bit", move |_, token| {
            let mut parts: Vec<Vec<u8>> = parts(token).map(decode).into();
            let bytes = &mut parts[part];
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            parts.iter().map(encode).collect::<Vec<_>>().join(".")
        })
    })
}

/// Parts of two valid tokens of the same issuer, mixed.
fn mixed_parts() -> impl Strategy<Value = Forgery> {
    (1..7_u8).prop_map(|which| {
        forgery("mix two tokens", move |issuer, token| {
            let b = issuer.with_claims(|claims| drop(claims.insert("sub".into(), "bob".into())));
            let c = issuer.with_header(|header| drop(header.insert("cty".into(), "x".into())));
            let (a, b, c) = (parts(token), parts(&b), parts(&c));
            let choices = [
                [c[0], a[1], a[2]],
                [a[0], b[1], a[2]],
                [a[0], a[1], b[2]],
                [c[0], b[1], a[2]],
                [c[0], a[1], b[2]],
            ];
            choices[usize::from(which) % choices.len()].join(".")
        })
    })
}

/// `alg` changed in the header while something else stands in for the signature.
fn changed_algorithm() -> impl Strategy<Value = Forgery> {
    const NAMES: &[&str] = &[
        "none", "None", "nOnE", "", "HS256", "HS384", "HS512", "RS256", "PS256", "ES384", "ES512", "EdDSA",
        "ES256K",
    ];
    (select(NAMES), 0..8_u8).prop_map(|(name, signature)| {
        forgery("change alg", move |issuer, token| {
            let mut header = issuer.header();
            if header
                .insert("alg".into(), name.into())
                .is_some_and(|old| old == name)
            {
                header.insert("alg".into(), "none".into());
            }
            let [_, payload, original] = parts(token);
            let input = format!("{}.{payload}", encode(to_text(&header)));
            let key = issuer.signer.public_jwk();
            let text = key.to_spki_pem().unwrap();
            let der = pem::decode(pem::PUBLIC_KEY, &text).unwrap().to_vec();
            // What a verifier that takes the public key for an HMAC secret might hold.
            let secret = match signature {
                0 => return format!("{input}.{original}"),
                1 => return format!("{input}."),
                2 => der,
                3 => text.trim_end().as_bytes().to_vec(),
                4 => text.into_bytes(),
                5 => to_text(&key.to_object()).into_bytes(),
                6 => key.thumbprint().into_bytes(),
                _ => Vec::new(),
            };
            let algorithm = match name {
                "HS384" => hmac::HMAC_SHA384,
                "HS512" => hmac::HMAC_SHA512,
                _ => hmac::HMAC_SHA256,
            };
            let tag = hmac::sign(&hmac::Key::new(algorithm, &secret), input.as_bytes());
            format!("{input}.{}", encode(tag))
        })
    })
}

/// Signed for real, by the attacker, who tries to have the key taken from the header.
fn attackers_key() -> impl Strategy<Value = Forgery> {
    (
        select(&["jwk", "jku", "x5u", "x5c", "kid", ""][..]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(name, own_kid, no_kid)| {
            forgery("sign with another key", move |issuer, _| {
                let mut header = issuer.header();
                header.insert("alg".into(), ATTACKER.algorithm().as_str().into());
                if own_kid {
                    header.insert("kid".into(), ATTACKER.key_id().into());
                }
                match name {
                    "jwk" => {
                        drop(header.insert("jwk".into(), Value::Object(ATTACKER.public_jwk().to_object())));
                    }
                    "jku" | "x5u" => drop(header.insert(name.into(), "https://attacker.example/keys".into())),
                    "x5c" => drop(header.insert(name.into(), json!(["AA=="]))),
                    "kid" => drop(header.insert(name.into(), "' OR 1=1; ../../dev/null".into())),
                    _ => {}
                }
                if no_kid {
                    header.remove("kid");
                }
                signed(&*ATTACKER, &header, &issuer.claims())
            })
        })
}

/// Signed for real, by the issuer, with a header that asks for what is refused.
fn refused_header() -> impl Strategy<Value = Forgery> {
    const MEMBERS: &[(&str, &str)] = &[
        ("jwk", "{}"),
        ("jku", "\"https://issuer.example/keys\""),
        ("x5u", "\"https://issuer.example/keys\""),
        ("x5c", "[\"AA==\"]"),
        ("crit", "[\"exp\"]"),
        ("crit", "[]"),
        ("b64", "false"),
        ("typ", "\"JWT\""),
        ("typ", "\"logout+jwt\""),
        ("typ", "null"),
        ("kid", "1"),
        ("kid", "\"\""),
        ("alg", "\"none\""),
        ("alg", "null"),
    ];
    // Also beside the right member, first or last: a header with two of one name has no meaning.
    (select(MEMBERS), 0..3_u8).prop_map(|((name, value), place)| {
        forgery("ask for what is refused", move |issuer, _| {
            let mut header = issuer.header();
            let text = to_text(&header);
            let header = match place {
                0 => {
                    header.insert(name.into(), serde_json::from_str(value).unwrap());
                    to_text(&header)
                }
                1 => format!("{{\"{name}\":{value},{}", &text[1..]),
                _ => format!("{},\"{name}\":{value}}}", text.trim_end_matches('}')),
            };
            signed_text(&issuer.signer, &header, &to_text(&issuer.claims()))
        })
    })
}

/// Signed for real, by the issuer, with claims that aren't for us or not for now.
fn wrong_claims() -> impl Strategy<Value = Forgery> {
    let change = |name: &'static str, value: Value| {
        forgery("wrong claims", move |issuer, _| {
            issuer.with_claims(|claims| {
                if value.is_null() {
                    drop(claims.remove(name));
                } else {
                    drop(claims.insert(name.into(), value.clone()));
                }
            })
        })
    };
    prop_oneof![
        (LEEWAY..1_000_000_000).prop_map(move |ago| change("exp", json!(NOW.0 - ago))),
        (0.0..1e12_f64).prop_map(move |ago| change("exp", json!((NOW.0 - LEEWAY) as f64 - ago))),
        (select(&["nbf", "iat"][..]), LEEWAY + 1..1_000_000_000)
            .prop_map(move |(name, ahead)| change(name, json!(NOW.0 + ahead))),
        select(&["iss", "aud", "exp", "sub"][..]).prop_map(move |name| change(name, Value::Null)),
        select(&["iss", "aud", "exp", "nbf", "iat", "sub", "client_id", "jti"][..])
            .prop_map(move |name| change(name, json!({ "a": 1 }))),
        "[ -~]{0,12}"
            .prop_map(move |issuer| change("iss", json!(format!("https://issuer.example{issuer}x")))),
        proptest::collection::vec("[ -~]{0,8}", 0..4).prop_map(move |names| change(
            "aud",
            json!(names.iter().map(|name| format!("{name}!")).collect::<Vec<_>>())
        )),
        select(&["iss", "aud", "exp", "sub", "scope"][..]).prop_map(|name| forgery(
            "a claim twice",
            move |issuer, _| {
                let claims = issuer.claims();
                let again = json!({ name: claims.get(name) }).to_string();
                let payload = format!("{},{}", to_text(&claims).trim_end_matches('}'), &again[1..]);
                signed_text(&issuer.signer, &to_text(&issuer.header()), &payload)
            }
        )),
        (33..200_usize).prop_map(|levels| forgery("too deep", move |issuer, _| {
            let claims = to_text(&issuer.claims());
            let payload = format!(
                "{},\"x\":{}1{}}}",
                claims.trim_end_matches('}'),
                "[".repeat(levels - 1),
                "]".repeat(levels - 1)
            );
            signed_text(&issuer.signer, &to_text(&issuer.header()), &payload)
        })),
        (16_384..40_000_usize).prop_map(move |length| change("fill", json!("x".repeat(length)))),
    ]
}

/// Another signature over the right bytes: none, of the wrong size, in another encoding, of a special value.
fn wrong_signature() -> impl Strategy<Value = Forgery> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..600)
            .prop_map(|bytes| forgery("any signature", move |_, token| { with_signature(token, &bytes) })),
        (
            select(&[0_u8, 1, 0xff][..]),
            select(&[32_usize, 64, 96, 132, 256, 384][..])
        )
            .prop_map(|(byte, length)| forgery("a constant signature", move |_, token| {
                with_signature(token, &vec![byte; length])
            })),
        Just(forgery("r and s swapped, or R and S", |_, token| {
            let bytes = decode(parts(token)[2]);
            let (first, second) = bytes.split_at(bytes.len() / 2);
            with_signature(token, &[second, first].concat())
        })),
        Just(forgery("as DER", |_, token| {
            let bytes = decode(parts(token)[2]);
            let (r, s) = bytes.split_at(bytes.len() / 2);
            let integer =
                |number: &[u8]| [&[2, u8::try_from(number.len() + 1).unwrap_or(0), 0], number].concat();
            let body = [integer(r), integer(s)].concat();
            with_signature(
                token,
                &[&[0x30, u8::try_from(body.len()).unwrap_or(0)][..], &body].concat(),
            )
        })),
    ]
}

fn with_signature(token: &str, signature: &[u8]) -> String {
    let [header, payload, _] = parts(token);
    format!("{header}.{payload}.{}", encode(signature))
}

fn any_forgery() -> impl Strategy<Value = Forgery> {
    prop_oneof![
        4 => damaged_text(),
        3 => flipped_bits(),
        1 => mixed_parts(),
        2 => changed_algorithm(),
        2 => attackers_key(),
        2 => refused_header(),
        3 => wrong_claims(),
        1 => wrong_signature(),
    ]
}

proptest! {
    #![proptest_config(cases(10_000))]

    #[test]
    fn property_01_an_invalid_token_is_never_accepted(which in 0..5_usize, forgery in any_forgery()) {
        let issuer = &ISSUERS[which];
        // Were nothing accepted, this property would hold of a broken verifier.
        let valid = issuer.token();
        prop_assert!(issuer.accept(&valid).is_ok());

        let forged = (forgery.make)(issuer, &valid);
        prop_assert!(forged == valid || issuer.accept(&forged).is_err(), "{forged}");
    }
}

proptest! {
    #![proptest_config(cases(1_024))]

    #[test]
    fn property_02_jwt_round_trip(extra in members(), which in 0..5_usize) {
        let issuer = &ISSUERS[which];
        let registered = to_text(&issuer.claims());
        let payload = format!("{{ {extra}{}", registered.trim_start_matches('{'));
        let token = signed_text(&issuer.signer, &to_text(&issuer.header()), &payload);
        if token.len() <= postern_jose::MAX_TOKEN_BYTES {
            let verified = issuer.accept(&token).unwrap();
            prop_assert_eq!(verified.claims_json(), &payload);
            let expected: Map<String, Value> = serde_json::from_str(&payload).unwrap();
            prop_assert_eq!(verified.claims(), &expected);
            // And once more from the parsed claims: what was understood can be said again.
            let again = issuer.accept(&signed(&issuer.signer, &issuer.header(), verified.claims())).unwrap();
            prop_assert_eq!(again.claims(), verified.claims());
        }
    }
}

/// JSON text of members with distinct names, each followed by a comma: any Unicode, any number, any nesting allowed.
fn members() -> impl Strategy<Value = String> {
    proptest::collection::vec((any::<String>(), json_text()), 0..6).prop_map(|members| {
        members
            .into_iter()
            .enumerate()
            .map(|(at, (name, value))| format!("{}: {value} ,", Value::from(format!("{at} {name}"))))
            .collect()
    })
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(
            &[
                "null",
                "true",
                "false",
                "0",
                "-0",
                "-0.0",
                "1E+2",
                "1e-400",
                "\"\\u00e9\\ud83d\\ude00\\u0000\""
            ][..]
        )
        .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        "-?[1-9][0-9]{18,60}",
        "[1-9]\\.[0-9]{1,40}(e[0-9]{1,2})?",
        proptest::num::f64::NORMAL.prop_map(|number| format!("{number:e}")),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[ {}]", items.join(" ,\n"))),
            proptest::collection::vec((any::<String>(), inner), 0..4).prop_map(|members| {
                let members = members.into_iter().enumerate();
                let members = members
                    .map(|(at, (name, value))| format!("{}:{value}", Value::from(format!("{at}{name}"))));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}
