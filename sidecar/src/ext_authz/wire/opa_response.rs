//! What the plugin would answer as an encoded `envoy.service.auth.v3.CheckResponse` in its gRPC frame: header options that
//! say neither `append` nor `append_action`, and the decision's id among the metadata.

use bytes::Bytes;
use postern_decide::opa_envoy::{HttpAnswer, Response};
use uuid::Uuid;

use super::put::Backwards;
use super::response::{USUAL_BYTES, framed, metadata};

/// The framed response.
pub(crate) fn opa_response(response: &Response, decision_id: &Uuid) -> Bytes {
    let mut out = Backwards::with_room_for(USUAL_BYTES);
    if let Some(policys) = &response.metadata {
        metadata(&mut out, Some(policys), decision_id);
    }
    match &response.http {
        Some(HttpAnswer::Ok(upstream)) => out.message(3, |ok| {
            texts(ok, 8, &upstream.query_parameters_to_remove);
            for (key, value) in upstream.query_parameters_to_set.iter().rev() {
                ok.message(7, |parameter| pair(parameter, key, value));
            }
            options(ok, 6, &upstream.response_headers_to_add);
            texts(ok, 5, &upstream.headers_to_remove);
            options(ok, 2, &upstream.headers);
        }),
        Some(HttpAnswer::Denied(denied)) => out.message(2, |message| {
            message.text(3, &denied.body);
            options(message, 2, &denied.headers);
            message.message(1, |status| status.number(1, u64::from(denied.status)));
        }),
        None => {}
    }
    out.message(1, |status| {
        status.text(2, &response.message);
        status.number(1, u64::from(response.status));
    });
    framed(out)
}

fn texts(out: &mut Backwards, number: u32, texts: &[String]) {
    for text in texts.iter().rev() {
        out.chosen_text(number, text);
    }
}

fn options(out: &mut Backwards, number: u32, headers: &[(String, String)]) {
    for (name, value) in headers.iter().rev() {
        out.message(number, |option| {
            option.message(1, |header| pair(header, name, value));
        });
    }
}

fn pair(out: &mut Backwards, key: &str, value: &str) {
    out.text(2, value);
    out.text(1, key);
}
