//! Which tokens, as flags say it. What a flag says is only brought into form here; the control plane has the last word.

use anyhow::Context as _;
use postern_proto::token::v1::{Claim, claim::Value, revoke_token_request::Which};

use crate::commands::token;

/// The flags, of which there is exactly one.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct WhichArgs {
    /// This one token: it is only read, for its issuer and its `jti`; `-` reads it from standard input.
    #[arg(long, value_name = "TOKEN|-")]
    token: Option<String>,
    /// The one token with this id (`jti`).
    #[arg(long, value_name = "ID")]
    jti: Option<String>,
    /// The tokens of this session (`sid`).
    #[arg(long, value_name = "ID")]
    sid: Option<String>,
    /// The tokens of this refresh token family (`fam`).
    #[arg(long, value_name = "ID")]
    family: Option<String>,
    /// The tokens that were signed with this key (`kid`).
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// The tokens with this claim: `sub=bob`; `uid:=42` for a number, `test:=true` for a boolean. Where the claim is a list,
    /// one element of it.
    #[arg(long, value_name = "NAME=VALUE", value_parser = claim)]
    claim: Option<Claim>,
}

/// What the flags come to.
#[derive(Debug, PartialEq)]
pub struct Chosen {
    pub which: Which,
    /// Where a token says it.
    pub issuer: Option<String>,
}

impl WhichArgs {
    /// What to revoke.
    ///
    /// # Errors
    /// When the token can't be read, or has no `iss` or `jti`.
    pub fn settle(self) -> anyhow::Result<Chosen> {
        if let Some(argument) = self.token {
            return of_token(&token::read_token(&argument)?);
        }
        let which = [
            self.jti.map(Which::Jti),
            self.sid.map(Which::Sid),
            self.family.map(Which::Family),
            self.key_id.map(Which::KeyId),
            self.claim.map(Which::Claim),
        ];
        let which = which.into_iter().flatten().next();
        Ok(Chosen {
            which: which.context("say which tokens: --jti, say")?,
            issuer: None,
        })
    }
}

/// A token's own issuer and id. Nothing is verified: who may revoke may name any token.
fn of_token(token: &str) -> anyhow::Result<Chosen> {
    let claims = token::unverified_claims(token)
        .context("not a token: expected three parts in base64url, the first two JSON objects")?;
    let text = |name: &str| {
        let claim = claims.get(name).and_then(serde_json::Value::as_str);
        claim.map(str::to_owned)
    };
    let issuer = text("iss").context("the token has no `iss`; name its claims with --claim and --issuer")?;
    let jti = text("jti").context(
        "the token has no `jti`; revoke it by another claim, with --claim sub=… --issued-before now, say",
    )?;
    Ok(Chosen {
        which: Which::Jti(jti),
        issuer: Some(issuer),
    })
}

/// `name=text`, or `name:=` and a JSON number or boolean.
fn claim(text: &str) -> Result<Claim, String> {
    let expected = || "expected NAME=VALUE, or NAME:= with an integer, true or false".to_owned();
    let (name, value) = text.split_once('=').ok_or_else(expected)?;
    let (name, value) = match name.strip_suffix(':') {
        None => (name, Value::Text(value.to_owned())),
        Some(name) => {
            let value = match value {
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                number => Value::Integer(number.parse().map_err(|_| expected())?),
            };
            (name, value)
        }
    };
    if name.is_empty() {
        return Err(expected());
    }
    Ok(Claim {
        name: name.to_owned(),
        value: Some(value),
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn a_claim_is_text_unless_it_says_otherwise() {
        for (given, name, value) in [
            ("sub=bob", "sub", Value::Text("bob".into())),
            ("uid=42", "uid", Value::Text("42".into())),
            ("uid:=42", "uid", Value::Integer(42)),
            ("uid:=-1", "uid", Value::Integer(-1)),
            ("test:=true", "test", Value::Boolean(true)),
            ("a=b=c", "a", Value::Text("b=c".into())),
            (
                "https://x.example/role=a",
                "https://x.example/role",
                Value::Text("a".into()),
            ),
        ] {
            let expected = Claim {
                name: name.into(),
                value: Some(value),
            };
            assert_eq!(claim(given), Ok(expected), "{given}");
        }
        for wrong in ["", "sub", "=x", ":=1", "uid:=1.5", "uid:=x", "uid:="] {
            assert!(claim(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_revoked_by_its_issuer_and_its_id() {
        let token = |claims: &str| {
            let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
            format!("{}.{}.AAAA", encode("{}"), encode(claims))
        };
        let chosen = of_token(&token(r#"{"iss":"https://a.example","jti":"x"}"#)).unwrap();
        assert_eq!(
            chosen,
            Chosen {
                which: Which::Jti("x".into()),
                issuer: Some("https://a.example".into()),
            }
        );
        for (claims, said) in [(r#"{"iss":"i"}"#, "`jti`"), (r#"{"jti":"x"}"#, "`iss`")] {
            let error = of_token(&token(claims)).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        assert!(of_token("x").unwrap_err().to_string().starts_with("not a token"));
    }
}
