//! The types of gRPC's messages from a file of descriptors (`proto-descriptor`), and their messages as protobuf's JSON.

use std::path::{Path, PathBuf};

use postern_policy::Value;
use postern_policy::input::GrpcMessages;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};

/// The largest file of descriptors that is read.
const MAX_BYTES: u64 = 64 << 20;

/// Message types by the methods that are called with them.
#[derive(Debug)]
pub(crate) struct Descriptors(DescriptorPool);

/// Why a file of descriptors can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DescriptorsError {
    /// It can't be read.
    #[error("{}: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is larger than any is.
    #[error("{}: larger than {MAX_BYTES} bytes", .0.display())]
    TooLarge(PathBuf),
    /// It isn't a `FileDescriptorSet`, or not all that its files import is in it.
    #[error(
        "{}: {problem}; expected what `protoc --include_imports --descriptor_set_out` writes",
        .path.display()
    )]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl Descriptors {
    /// Reads a serialised `google.protobuf.FileDescriptorSet`.
    ///
    /// # Errors
    /// When it can't be read, or isn't one.
    pub(crate) fn read(path: &Path) -> Result<Self, DescriptorsError> {
        let unreadable = |error| DescriptorsError::Unreadable {
            path: path.to_owned(),
            error,
        };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES {
            return Err(DescriptorsError::TooLarge(path.to_owned()));
        }
        let content = std::fs::read(path).map_err(unreadable)?;
        Self::decode(&content).map_err(|problem| DescriptorsError::Invalid {
            path: path.to_owned(),
            problem,
        })
    }

    /// Takes a serialised `google.protobuf.FileDescriptorSet`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn decode(set: &[u8]) -> Result<Self, String> {
        DescriptorPool::decode(set)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

impl GrpcMessages for Descriptors {
    fn parse(&self, service: &str, method: &str, message: &[u8]) -> Option<Result<Value, String>> {
        let service = self.0.get_service_by_name(service)?;
        let method = service.methods().find(|other| other.name() == method)?;
        if method.is_client_streaming() {
            return None;
        }
        Some(match DynamicMessage::decode(method.input(), message) {
            Ok(message) => json(&message),
            // Go's own words, whatever is wrong.
            Err(_) => Err("proto: cannot parse invalid wire-format data".to_owned()),
        })
    }
}

fn json(message: &DynamicMessage) -> Result<Value, String> {
    let json = message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new());
    json.map(Value::from).map_err(|error| format!("proto: {error}"))
}
