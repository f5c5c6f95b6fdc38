//! API keys between the domain and protobuf: keys and refusals out.

use postern_proto::identity::v1 as proto;
use postern_telemetry::{Code, CorrelationId, Error};
use tonic::Status;

use crate::api_keys::ApiKeyError;
use crate::model::{ApiKey, Scope};

/// What callers are told; the log gets the whole.
pub(super) fn refused(error: ApiKeyError, id: &CorrelationId) -> Status {
    let error = match error {
        ApiKeyError::Full => Error::new(
            Code::LimitReached,
            "There are as many API keys as there may be (100,000); revoke those that nobody uses.",
        ),
        ApiKeyError::NotFound => Error::new(Code::NotFound, "No API key has this id."),
        ApiKeyError::PageToken => Error::validation("The page can't be found.")
            .with_field("page_token", "expected the next_page_token of the page before"),
        error @ ApiKeyError::Store(_) => {
            let error = Error::unavailable(error);
            tracing::error!(error = error.log_detail(), "the store of API keys failed");
            error
        }
    };
    error.to_status(id)
}

impl From<ApiKey> for proto::ApiKey {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            subject: key.subject.to_string(),
            name: key.name.to_string(),
            scopes: key.scopes.iter().map(Scope::to_string).collect(),
            created_at: key.created_at,
            expires_at: key.expires_at,
        }
    }
}
