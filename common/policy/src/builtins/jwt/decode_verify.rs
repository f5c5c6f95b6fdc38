//! `io.jwt.decode_verify`: a token's header and payload, if its signature is good and it fulfils the constraints.

use std::sync::Arc;

use postern_rego::{Array, BuiltinError, Context, Number, Object, Span, Value, host};

use super::super::keys::Material;
use super::super::{Answer, answer, fail};
use super::TEXT_FACTOR;
use super::algorithm::Algorithm;
use super::cache::{self, Name};
use super::constraints::{self, Constraints, Trust};
use super::time::{self, Instant, When};
use super::{Header, Token};

/// What is known of a token under constraints, whatever the time is.
#[derive(Clone)]
pub(super) struct Verified {
    verdict: Verdict,
    /// What it cost to find out, in statements: who is told it later pays the same, so that how an evaluation ends
    /// never depends on what came before.
    cost: u64,
}

#[derive(Clone)]
enum Verdict {
    /// The signature is bad, or a constraint isn't fulfilled.
    Refused,
    /// All is well within these times.
    Good(Arc<Good>),
}

struct Good {
    exp: Claim,
    nbf: Claim,
    /// `[true, header, payload]`.
    answer: Value,
}

/// A claim that is a time.
enum Claim {
    Absent,
    At(Number),
    /// Something else, which is an error when it is looked at.
    Wrong,
}

impl Claim {
    fn of(payload: &Object, name: &str) -> Self {
        match payload.get_str(name) {
            None => Self::Absent,
            Some(Value::Number(seconds)) => Self::At(seconds.clone()),
            Some(_) => Self::Wrong,
        }
    }
}

/// `[valid, header, payload]`; the latter two empty if it isn't.
pub(in super::super) fn decode_verify(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let members = host::object(operands, 2)?;
    // All of it is looked at, to find out whether it is known.
    let text = |value: &Value| value.as_str().map_or(0, str::len);
    let texts = members
        .iter()
        .map(|(name, value)| text(name).saturating_add(text(value)));
    context.spend(texts.fold(text(host::any(operands, 1)?), usize::saturating_add))?;
    let name = match host::any(operands, 1)? {
        Value::String(token) => Name::of_verify(token, members),
        _ => None,
    };
    if let Some(known) = name.and_then(|name| cache::verified(&name)) {
        let when = match members.get_str("time") {
            Some(time) => When::At(Instant::of(time)?),
            None => When::now(context)?,
        };
        context.spend_statements(known.cost)?;
        return at(context, &known.verdict, when);
    }
    let before = context.budget();
    let (constraints, when) = constraints::parse(context, members)?;
    let token = host::string(operands, 1)?;
    let verdict = verify(context, token, &constraints)?;
    if let Some(name) = name {
        let bytes = match &verdict {
            Verdict::Refused => cache::bytes("", &[]),
            Verdict::Good(good) => cache::bytes(token, &[&good.answer]),
        };
        let cost = before.saturating_sub(context.budget());
        let verified = Verified {
            verdict: verdict.clone(),
            cost,
        };
        cache::keep_verified(name, verified, bytes);
    }
    at(context, &verdict, when)
}

/// What the verdict comes to then. Where that is the present, it is said for how long it stays so.
fn at(context: &mut Context<'_>, verdict: &Verdict, when: When) -> Answer {
    let Verdict::Good(good) = verdict else {
        return answer(refused());
    };
    match when {
        When::At(time) => good.at(time),
        When::Now => context.judge(|now_ns| match Instant::of(&Value::from(now_ns)) {
            Ok(time) => (good.at(time), good.stays(now_ns)),
            Err(error) => (Err(error), Span::instant(now_ns)),
        }),
    }
}

fn refused() -> Array {
    let empty = Value::from(Object::default());
    [Value::from(false), empty.clone(), empty].into_iter().collect()
}

/// RFC 7519, 7.2, and the claims that the time has no part in.
fn verify(
    context: &mut Context<'_>,
    token: &str,
    constraints: &Constraints,
) -> Result<Verdict, BuiltinError> {
    let mut text = token.to_owned();
    let (header, payload) = loop {
        context.spend(text.len().saturating_mul(4))?;
        context.build(text.len().saturating_mul(TEXT_FACTOR))?;
        let token = Token::split(&text)?;
        let decoded = token.header()?;
        let header = Header::of(&decoded)?;
        if !header.is_valid() || (!constraints.alg.is_empty() && constraints.alg != header.alg) {
            return Ok(Verdict::Refused);
        }
        let signature = token.signature()?;
        if !is_signed(context, &token, &header, &signature, &constraints.trust)? {
            return Ok(Verdict::Refused);
        }
        let payload = token.payload()?;
        if !is_jwt(&header.cty) {
            break (decoded, payload);
        }
        // A token within the token, at most three quarters as long.
        text = payload;
    };
    let payload = host::parse_json_object(&payload)?;
    if !constraints.iss.is_empty() {
        match payload.get_str("iss") {
            Some(Value::String(iss)) if **iss == *constraints.iss => {}
            Some(Value::String(_)) | None => return Ok(Verdict::Refused),
            // OPA falls over here.
            Some(_) => return Err(BuiltinError::Halt("the claim iss is not a string".into())),
        }
    }
    let meets_audience = match payload.get_str("aud") {
        Some(aud) => is_for(aud, &constraints.aud),
        None => constraints.aud.is_empty(),
    };
    if !meets_audience {
        return Ok(Verdict::Refused);
    }
    Ok(Verdict::Good(Arc::new(Good::new(header, &payload))))
}

impl Good {
    fn new(header: Object, payload: &Object) -> Self {
        let answer = [
            Value::from(true),
            Value::from(header),
            Value::from(payload.clone()),
        ];
        Self {
            exp: Claim::of(payload, "exp"),
            nbf: Claim::of(payload, "nbf"),
            answer: Value::from(answer.into_iter().collect::<Array>()),
        }
    }

    /// What it comes to at an instant (RFC 7519, 4.1.4 and 4.1.5).
    fn at(&self, time: Instant) -> Answer {
        match &self.exp {
            Claim::Absent => {}
            Claim::At(exp) if time.is_before(exp)? => {}
            Claim::At(_) => return answer(refused()),
            Claim::Wrong => return fail("exp value must be a number"),
        }
        match &self.nbf {
            Claim::Absent => {}
            Claim::At(nbf) if !time.is_before(nbf)? => {}
            Claim::At(_) => return answer(refused()),
            Claim::Wrong => return fail("nbf value must be a number"),
        }
        answer(self.answer.clone())
    }

    /// The instants around this one at which it comes to the same: between the edges that its claims are.
    fn stays(&self, now_ns: i64) -> Span {
        let side = |claim: &Claim| match claim {
            Claim::At(seconds) => time::side_of(seconds, now_ns),
            Claim::Absent | Claim::Wrong => Span::ALWAYS,
        };
        side(&self.exp).and(side(&self.nbf))
    }
}

/// As Go's `strings.EqualFold`, under which nothing else than these letters is equal to them.
fn is_jwt(cty: &str) -> bool {
    cty.eq_ignore_ascii_case("JWT")
}

fn is_for(aud: &Value, wanted: &str) -> bool {
    match aud {
        Value::String(aud) => **aud == *wanted,
        Value::Array(all) => all.iter().any(|aud| aud.as_str() == Some(wanted)),
        _ => false,
    }
}

fn is_signed(
    context: &mut Context<'_>,
    token: &Token<'_>,
    header: &Header,
    signature: &[u8],
    trust: &Trust,
) -> Result<bool, BuiltinError> {
    let Some(algorithm) = Algorithm::of_token(&header.alg) else {
        return Ok(false);
    };
    let message = token.signed.as_bytes();
    let keys = match trust {
        Trust::Secret(secret) => {
            let secret = Material::Secret(secret.as_bytes().to_vec());
            return algorithm.verify(context, &secret, message, signature);
        }
        Trust::Keys(keys) => keys,
    };
    // A key that the token names is the only one to try.
    let named = keys
        .iter()
        .find(|key| !header.kid.is_empty() && key.kid == header.kid);
    if let Some(key) = named {
        return algorithm.verify(context, &key.material, message, signature);
    }
    for key in keys.iter() {
        let may_be = key.alg.is_empty() || key.alg == header.alg;
        if may_be && algorithm.verify(context, &key.material, message, signature)? {
            return Ok(true);
        }
    }
    Ok(false)
}
