//! gRPC server reflection, where the operator wants it: what `grpcurl` and the like need to call this sidecar without a
//! .proto file. Tells of the services that are served here, and of no others.

use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

/// Adds both versions of the service: clients still ask for the older one.
///
/// # Errors
/// When a descriptor can't be read.
pub(super) fn added_to(routes: Routes) -> Result<Routes, Error> {
    let edge = postern_proto::FILE_DESCRIPTOR_SET;
    let edge = only(
        FileDescriptorSet::decode(edge).map_err(Error::from)?,
        "postern.edge.v1",
    );
    let configured = || {
        Builder::configure()
            .register_file_descriptor_set(edge.clone())
            .register_encoded_file_descriptor_set(postern_proto::ENVOY_FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(routes
        .add_service(configured().build_v1()?)
        .add_service(configured().build_v1alpha()?))
}

/// The files of one package; none of ours imports another.
fn only(mut files: FileDescriptorSet, package: &str) -> FileDescriptorSet {
    files.file.retain(|file| file.package() == package);
    files
}
