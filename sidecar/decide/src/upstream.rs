//! The headers that an allowed request goes on with: who called, as verified, and nothing that a client could have said in
//! Postern's name (R1.4). Never reads a header's meaning.

use crate::caller::{Caller, Told};
use crate::correlation::Identifiers;
use crate::header::Header;
use crate::headers::Headers;
use crate::routes::Route;
use crate::settings::Settings;
use crate::text::Text;
use postern_telemetry::TRACEPARENT;

/// What goes with the trace of `traceparent` (Trace Context §3.3).
const TRACESTATE: &str = "tracestate";

/// So many headers are ours at most.
const OURS: usize = 9;

/// Header changes that the proxy would not make: the request would have too many headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("with those of Postern and the policy the request would have {0} headers, and the proxy takes {1}")]
pub(crate) struct TooManyHeaders(usize, usize);

/// Header changes on the way to the upstream.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) set: Vec<Header>,
    pub(crate) remove: Vec<Text>,
}

/// What the verified caller, the ids and the policy make of a request's headers.
///
/// Ours are written over whatever came under their names, the policy's included: it can add to what the upstream is told
/// (`x-postern-role`), not change who called. Every other header under the prefix is removed; Envoy removes after it has
/// set, so a name that is set is never listed for removal. It counts in between, too.
///
/// # Errors
/// When the proxy would refuse to make the changes.
pub(crate) fn changes(
    caller: &Caller,
    route: &Route,
    headers: &Headers<'_>,
    from_policy: Vec<Header>,
    removed_by_policy: &[String],
    settings: &Settings,
    identifiers: &Identifiers,
) -> Result<Changes, TooManyHeaders> {
    let prefix = &settings.prefix;
    let mut set = Vec::with_capacity(OURS + from_policy.len());
    set.extend([
        identifiers.request_id(),
        identifiers.trace(),
        identifiers.decision_id(settings),
        Header::ours(&prefix.route, &route.name),
        Header::ours(&prefix.auth, caller.methods.as_str()),
    ]);
    let peer = caller
        .peer
        .as_ref()
        .map(|peer| Text::from(peer.as_str().to_owned()));
    let claimed = [
        (&prefix.subject, caller.told(Told::Subject)),
        (&prefix.client, caller.told(Told::Client)),
        (&prefix.scope, caller.told(Told::Scope)),
        (&prefix.peer, peer),
    ];
    // What isn't claimed is removed unseen: Envoy may be told to show only some of a request's headers.
    let mut remove = Vec::new();
    for (name, value) in claimed {
        match value {
            Some(value) => set.push(Header::ours(name, value)),
            None => remove.push(Text::from(name)),
        }
    }
    let reserved = |name: &str| prefix.is_identity(name) || is_ours(name);
    set.extend(from_policy.into_iter().filter(|header| !reserved(header.name())));

    let most = settings.max_upstream_headers;
    // Where all would be new and it still fits, nobody has to look.
    if headers.lines() + set.len() > most {
        let new = set.iter().filter(|header| headers.value(header.name()).is_none());
        let after = headers.lines() + new.count();
        if after > most {
            return Err(TooManyHeaders(after, most));
        }
    }

    // A trace that doesn't go on leaves its state behind.
    let stale = TRACESTATE.as_bytes();
    let is_stale = |name: &[u8]| !identifiers.trace_continues && name.eq_ignore_ascii_case(stale);
    let came = headers.names().filter(|name| prefix.owns(name) || is_stale(name));
    let came = came.filter_map(|name| std::str::from_utf8(name).ok());
    let unwanted = removed_by_policy.iter().map(String::as_str);
    remove.extend(
        came.chain(unwanted)
            .map(|name| Text::from(name.to_ascii_lowercase())),
    );
    remove.retain(|name| !set.iter().any(|header| header.name() == &**name));
    remove.sort_unstable();
    remove.dedup();
    Ok(Changes { set, remove })
}

fn is_ours(name: &str) -> bool {
    name == TRACEPARENT || name == postern_telemetry::X_REQUEST_ID
}
