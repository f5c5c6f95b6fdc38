//! Postern beside opa-envoy-plugin: the same policy and the same requests to both, the answers compared. The plugin is whoever
//! brings it: nothing of it is part of this repository.

pub mod bundle_server;
pub mod compare;
pub mod generate;
pub mod golden;
pub mod plain_opa;
pub mod protobuf_json;
pub mod server;
