//! Valid tokens, changed as attackers change them.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use postern_jose::{Algorithm, LocalSigner, Signer, base64url};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::world::{NOW, World};

/// A change of a valid token, of the kinds that attackers try.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Another character somewhere.
    Replace(prop::sample::Index, char),
    /// One more somewhere.
    Insert(prop::sample::Index, char),
    /// One less, or a whole end less.
    Remove(prop::sample::Index, usize),
    /// Two characters in each other's place.
    Swap(prop::sample::Index, prop::sample::Index),
    /// The header says something else.
    Header(&'static str, Json),
    /// The payload says something else.
    Claim(&'static str, Json),
    /// A part takes the place of another.
    Part(usize, usize),
    /// A part is another token's.
    Transplant(usize),
    /// Somebody else signs what was signed.
    Resign,
    /// Somebody else's key comes along in the header.
    BringKey(&'static str),
    /// The public key as an HMAC secret.
    Hmac,
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let character = || {
        prop_oneof![
            prop::char::range('A', 'Z'),
            prop::char::range('a', 'z'),
            prop::char::range('0', '9'),
            prop::sample::select(vec!['-', '_', '.', '=', '+', '/', ' ', ',', '\u{7f}', 'é', '\0']),
        ]
    };
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), character()).prop_map(|(at, with)| Change::Replace(at, with)),
        2 => (at(), character()).prop_map(|(at, with)| Change::Insert(at, with)),
        2 => (at(), 1usize..400).prop_map(|(at, length)| Change::Remove(at, length)),
        2 => (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
        2 => prop::sample::select(vec![
            ("alg", json!("none")), ("alg", json!("HS256")), ("alg", json!("RS256")), ("alg", json!("ES384")),
            ("alg", json!(null)), ("typ", json!("JWT")), ("typ", json!(null)), ("kid", json!("other")),
            ("kid", json!(null)), ("crit", json!(["exp"])), ("b64", json!(false)), ("zip", json!("DEF")),
            ("jku", json!("https://evil.example/jwks")), ("x5u", json!("https://evil.example/x")),
        ]).prop_map(|(name, value)| Change::Header(name, value)),
        3 => prop::sample::select(vec![
            ("sub", json!("root")), ("exp", json!(NOW.0 + 86_400)), ("exp", json!(null)), ("aud", json!("urn:other")),
            ("iss", json!("https://evil.example")), ("scope", json!("admin")), ("nbf", json!(0)), ("iat", json!(0)),
            ("cnf", json!({})), ("tenant", json!("acme")), ("client_id", json!(7)),
        ]).prop_map(|(name, value)| Change::Claim(name, value)),
        1 => (0usize..3, 0usize..3).prop_map(|(from, to)| Change::Part(from, to)),
        1 => (0usize..3).prop_map(Change::Transplant),
        1 => Just(Change::Resign),
        1 => prop::sample::select(vec!["jwk", "x5c"]).prop_map(Change::BringKey),
        1 => Just(Change::Hmac),
    ]
}

/// What tokens are changed in: made once, since making keys takes longer than a case.
pub(crate) struct Forge {
    pub(crate) world: World,
    pub(crate) token: String,
    /// Another valid one, so that parts of two can be put together.
    other: String,
    stranger: LocalSigner,
}

pub(crate) static FORGE: LazyLock<Forge> = LazyLock::new(|| {
    let world = World::allowing();
    Forge {
        token: world.token(&json!({})),
        other: world.token(&json!({ "sub": "bob", "jti": "2" })),
        stranger: LocalSigner::generate(Algorithm::ES256).unwrap(),
        world,
    }
});

impl Forge {
    pub(crate) fn changed(&self, change: &Change) -> String {
        let parts: Vec<&str> = self.token.split('.').collect();
        let mut characters: Vec<char> = self.token.chars().collect();
        let length = characters.len();
        match change {
            Change::Replace(at, with) => characters[at.index(length)] = *with,
            Change::Insert(at, with) => characters.insert(at.index(length + 1), *with),
            Change::Remove(at, count) => {
                let from = at.index(length);
                characters.drain(from..(from + count).min(length));
            }
            Change::Swap(one, other) => characters.swap(one.index(length), other.index(length)),
            Change::Header(name, value) => return self.with_member(0, name, value).join("."),
            Change::Claim(name, value) => return self.with_member(1, name, value).join("."),
            Change::Part(from, to) => {
                let mut parts = parts;
                parts[*to] = parts[*from];
                return parts.join(".");
            }
            Change::Transplant(at) => {
                let mut parts = parts;
                parts[*at] = self.other.split('.').nth(*at).unwrap();
                return parts.join(".");
            }
            Change::Resign => return self.signed(parts[0], parts[1]),
            Change::BringKey(member) => {
                let key = match *member {
                    "jwk" => Json::Object(self.stranger.public_jwk().to_object()),
                    _ => json!(["MIIB"]),
                };
                let with_key = self.with_member(0, member, &key);
                return self.signed(&with_key[0], &with_key[1]);
            }
            Change::Hmac => {
                let parts = self.with_member(0, "alg", &json!("HS256"));
                let input = format!("{}.{}", parts[0], parts[1]);
                let public = self.world.signer.public_jwk().to_spki_pem().unwrap();
                let key = hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes());
                let tag = hmac::sign(&key, input.as_bytes());
                return format!("{input}.{}", base64url::encode(tag.as_ref()));
            }
        }
        characters.into_iter().collect()
    }

    /// The three parts with a member of one of them changed, or taken out by `null`.
    fn with_member(&self, part: usize, name: &str, value: &Json) -> Vec<String> {
        let mut parts: Vec<String> = self.token.split('.').map(str::to_owned).collect();
        let mut json: Json = serde_json::from_slice(&base64url::decode(&parts[part]).unwrap()).unwrap();
        let members = json.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value.clone());
        }
        parts[part] = base64url::encode(json.to_string().as_bytes());
        parts
    }

    fn signed(&self, header: &str, payload: &str) -> String {
        let input = format!("{header}.{payload}");
        let signature = self.stranger.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(&signature))
    }
}
