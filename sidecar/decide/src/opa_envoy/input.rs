//! The document that the plugin asks policy with: the message as it came, and what is parsed of it.

use postern_policy::input::{Bodies, GrpcMessages, HeaderParts, InputDocument, InputError, InputReads};

use crate::headers::Headers;
use crate::input::request_parts;
use crate::view::RequestView;

/// Calls `ask` with the input document, as far as the policy can read it.
///
/// # Errors
/// When the path, query or body is ill-formed.
pub(super) fn with_document<T>(
    reads: &InputReads,
    request: &RequestView<'_>,
    bodies: Bodies,
    grpc: Option<&dyn GrpcMessages>,
    ask: impl FnOnce(&InputDocument<'_, Verbatim<'_>>) -> T,
) -> Result<T, InputError> {
    let parts = request_parts(request, bodies, grpc);
    let headers = Verbatim(&request.http.headers);
    let document = InputDocument::new(reads, &parts, &headers, None)?;
    Ok(ask(&document))
}

/// The headers as the message has them: names in whatever case, each once.
pub(super) struct Verbatim<'a>(&'a Headers<'a>);

impl HeaderParts for Verbatim<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.verbatim_value(name)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.verbatim()
    }
}
