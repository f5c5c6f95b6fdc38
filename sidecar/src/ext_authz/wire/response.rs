//! A decision as an encoded `envoy.service.auth.v3.CheckResponse` in its gRPC frame. Everything in it was checked when it
//! was decided; nothing is decided here.

use bytes::Bytes;
use postern_decide::headers::SeenNames;
use postern_decide::{Allow, Deny, Header};
use postern_rego::Value;
use postern_telemetry::Code;
use uuid::Uuid;

use super::put::Backwards;

/// Room for an ordinary answer without its body.
pub(super) const USUAL_BYTES: usize = 1024;

/// The framed response that lets the request go on.
pub(crate) fn allowed(allow: &Allow, decision_id: &Uuid) -> Bytes {
    let mut out = Backwards::with_room_for(USUAL_BYTES);
    metadata(&mut out, allow.metadata.as_ref(), decision_id);
    // `ok_response`
    out.message(3, |ok| {
        for name in allow.query_remove.iter().rev() {
            ok.chosen_text(8, name);
        }
        for (key, value) in allow.query_set.iter().rev() {
            ok.message(7, |parameter| {
                parameter.text(2, value);
                parameter.text(1, key);
            });
        }
        options(ok, 6, &allow.response_set);
        for name in allow.upstream_remove.iter().rev() {
            ok.chosen_text(5, name);
        }
        options(ok, 2, &allow.upstream_set);
    });
    status(&mut out, 0);
    framed(out)
}

/// The framed response that denies for `code`.
pub(crate) fn denied(deny: &Deny, code: Code, decision_id: &Uuid) -> Bytes {
    let mut out = Backwards::with_room_for(USUAL_BYTES + deny.body.len());
    metadata(&mut out, deny.metadata.as_ref(), decision_id);
    // `denied_response`
    out.message(2, |denied| {
        denied.text(3, &deny.body);
        options(denied, 2, &deny.headers);
        denied.message(1, |status| status.number(1, u64::from(deny.status)));
    });
    status(&mut out, code.grpc_code());
    framed(out)
}

/// `google.rpc.Status`: its code is all that Envoy reads.
fn status(out: &mut Backwards, code: i32) {
    out.message(1, |status| {
        status.number(1, u64::try_from(code).unwrap_or_default());
    });
}

/// `HeaderValueOption`s. The first of a name replaces, further ones are added. `append` says so to every Envoy there is;
/// `append_action`, its successor, is not looked at by older ones.
fn options(out: &mut Backwards, number: u32, headers: &[Header]) {
    let may_repeat = may_repeat(headers);
    for (index, header) in headers.iter().enumerate().rev() {
        let earlier = headers.get(..index).unwrap_or_default();
        let repeated = may_repeat && earlier.iter().any(|other| other.name() == header.name());
        out.message(number, |option| {
            // `append`, a `BoolValue`.
            option.raw(if repeated { &[0x12, 2, 0x08, 1] } else { &[0x12, 0] });
            option.message(1, |value| {
                value.text(2, header.value());
                value.text(1, header.name());
            });
        });
    }
}

/// Whether two may have one name.
fn may_repeat(headers: &[Header]) -> bool {
    let mut seen = SeenNames::default();
    headers.iter().any(|header| seen.note(header.name().as_bytes()))
}

/// `dynamic_metadata`: the policy's, and the decision's id beside it, as OPA-Envoy gives it.
pub(super) fn metadata(out: &mut Backwards, policys: Option<&Value>, decision_id: &Uuid) {
    let mut text = Uuid::encode_buffer();
    let decision_id = decision_id.as_hyphenated().encode_lower(&mut text);
    // A member of that name that comes from the policy gives way: of an entry sent twice, the last counts.
    out.message(4, |fields| {
        entry(fields, "decision_id", |value| value.chosen_text(3, decision_id));
        if let Some(object) = policys.and_then(Value::as_object) {
            members(fields, object);
        }
    });
}

/// `google.protobuf.Struct`.
fn members(out: &mut Backwards, object: &postern_rego::Object) {
    for (key, value) in object {
        // JSON's names are strings; other keys are written as their own JSON, as OPA does.
        match key.as_str() {
            Some(name) => entry(out, name, |out| any(out, value)),
            None => entry(out, &key.to_json(), |out| any(out, value)),
        }
    }
}

fn entry(out: &mut Backwards, name: &str, value: impl FnOnce(&mut Backwards)) {
    out.message(1, |entry| {
        entry.message(2, value);
        entry.text(1, name);
    });
}

/// `google.protobuf.Value`.
fn any(out: &mut Backwards, value: &Value) {
    match value {
        Value::Null => out.chosen_number(1, 0),
        Value::Bool(flag) => out.chosen_number(4, u64::from(*flag)),
        Value::Number(number) => out.chosen_double(2, finite(number)),
        Value::String(text) => out.chosen_text(3, text),
        Value::Array(items) => list(out, items.iter().collect()),
        Value::Set(items) => list(out, items.iter().collect()),
        Value::Object(object) => out.message(5, |fields| members(fields, object)),
    }
}

/// `google.protobuf.ListValue`.
fn list(out: &mut Backwards, items: Vec<&Value>) {
    out.message(6, |list| {
        for item in items.into_iter().rev() {
            list.message(1, |out| any(out, item));
        }
    });
}

/// A Struct has doubles only, and no infinities: a number beyond them can't be told to Envoy, and is told as 0.
fn finite(number: &postern_rego::Number) -> f64 {
    number
        .to_string()
        .parse()
        .ok()
        .filter(|double: &f64| double.is_finite())
        .unwrap_or_default()
}

/// The message behind its gRPC prefix: not compressed, and how long it is.
pub(super) fn framed(mut message: Backwards) -> Bytes {
    // What a policy may say is bounded far below 4 GiB.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    message.raw(&length.to_be_bytes());
    message.raw(&[0]);
    message.finish()
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
