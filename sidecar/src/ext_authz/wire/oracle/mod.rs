//! The same two conversions by way of `prost` and envoy-types: slow, and what the ones beside are held to.

pub(crate) mod request;
#[cfg(test)]
pub(crate) mod response;

use envoy_types::ext_authz::v3::pb::CheckRequest;
use postern_decide::{Headers, RequestView};
use prost::Message;

use super::reader::WireError;
use super::request::{RequestError, view};

/// How `bytes` are read here and how `prost` reads them, where these differ: both see the same, or both refuse for the same
/// kind of reason. The one exception is said where it is made.
pub(crate) fn difference(bytes: &[u8]) -> Option<String> {
    let ours = view(bytes);
    if matches!(ours, Err(RequestError::Wire(WireError::MapWireType(_)))) {
        return None;
    }
    let decoded = CheckRequest::decode(bytes);
    let theirs = decoded.as_ref().map(request::view);
    match (ours, theirs) {
        (Ok(ours), Ok(Ok(theirs))) => {
            let (ours, theirs) = (in_order(ours), in_order(theirs));
            (ours != theirs).then(|| format!("{ours} where prost reads {theirs}"))
        }
        (Err(RequestError::NotHttp), Ok(Err(_))) | (Err(RequestError::Wire(_)), Err(_)) => None,
        (ours, theirs) => Some(format!("{ours:?} where prost says {theirs:?}")),
    }
}

/// Maps come in no order.
fn in_order(mut view: RequestView<'_>) -> String {
    view.context_extensions.sort_unstable();
    for peer in [&mut view.source, &mut view.destination].into_iter().flatten() {
        peer.labels.sort_unstable();
    }
    let mut lines = std::mem::take(&mut view.http.headers).into_lines();
    // Those of one name stay as they were: that is the order in which they are joined.
    lines.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    view.http.headers = Headers::from_lines(lines);
    format!("{view:?}")
}
