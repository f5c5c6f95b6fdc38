//! The names of the document's members, made once per thread: a clone is a count, not an allocation, and a count that no
//! other thread touches.

use postern_rego::Value;

macro_rules! names {
    ($($field:ident = $text:literal),* $(,)?) => {
        /// Each name as a value.
        pub(super) struct Names {
            $(pub(super) $field: Value,)*
            /// `{"encoding": "protojson", "ext_authz": "v3"}`, as OPA-Envoy has it.
            pub(super) version_value: Value,
            words: [Value; WORDS.len()],
        }

        impl Names {
            fn new() -> Self {
                Names {
                    $($field: Value::from($text),)*
                    version_value: Value::object_from([("encoding", "protojson"), ("ext_authz", "v3")]),
                    words: WORDS.map(Value::from),
                }
            }
        }
    };
}

/// Texts that most requests share: methods, schemes, protocols, ways to authenticate.
const WORDS: [&str; 14] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "http", "https", "HTTP/1.1", "HTTP/2", "jwt",
    "mtls", "api_key",
];

impl Names {
    /// Calls `with` with this thread's names.
    pub(super) fn with<T>(with: impl FnOnce(&Names) -> T) -> T {
        thread_local! {
            static NAMES: Names = Names::new();
        }
        NAMES.with(with)
    }

    /// A text as a value; shared if it is a common one.
    pub(super) fn word(&self, text: &str) -> Value {
        let known = self.words.iter().find(|word| word.as_str() == Some(text));
        known.cloned().unwrap_or_else(|| text.into())
    }
}

names! {
    address = "address",
    api_key = "api_key",
    attributes = "attributes",
    auth = "auth",
    body = "body",
    certificate = "certificate",
    claims = "claims",
    client_id = "client_id",
    context_extensions = "contextExtensions",
    destination = "destination",
    fragment = "fragment",
    headers = "headers",
    host = "host",
    http = "http",
    id = "id",
    issuer = "issuer",
    labels = "labels",
    metadata_context = "metadataContext",
    method = "method",
    name = "name",
    nanos = "nanos",
    parsed_body = "parsed_body",
    parsed_path = "parsed_path",
    parsed_query = "parsed_query",
    path = "path",
    peer = "peer",
    pipe = "pipe",
    port_value = "portValue",
    postern = "postern",
    principal = "principal",
    protocol = "protocol",
    query = "query",
    raw_body = "rawBody",
    request = "request",
    route = "route",
    route_metadata_context = "routeMetadataContext",
    scheme = "scheme",
    scopes = "scopes",
    seconds = "seconds",
    service = "service",
    size = "size",
    sni = "sni",
    socket_address = "socketAddress",
    source = "source",
    source_principal = "source_principal",
    spiffe_id = "spiffe_id",
    subject = "subject",
    time = "time",
    tls_session = "tlsSession",
    truncated_body = "truncated_body",
    version = "version",
}
