//! Postern's gRPC contracts: the Rust that is generated from `proto/postern/<area>/v1/*.proto` when this crate is built.
//!
//! It depends on nothing of ours, and holds no logic. Generated types stay at the edge of whoever uses them: they are
//! parsed into domain types there, once. `tests/compat` is the judge of whether a change keeps old clients working.

/// Declares `<area>::v1` from the file that the build script generated for that package.
macro_rules! contracts {
    ($($(#[$doc:meta])* $area:ident),+ $(,)?) => {$(
        $(#[$doc])*
        pub mod $area {
            /// The first version of this contract.
            #[allow(
                missing_docs,
                unreachable_pub,
                unused_qualifications,
                clippy::all,
                clippy::pedantic,
                clippy::unwrap_used,
                clippy::allow_attributes_without_reason,
                reason = "generated code: its docs are the comments of the .proto, its style is its generator's"
            )]
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/postern.", stringify!($area), ".v1.rs"));
            }
        }
    )+};
}

contracts! {
    /// What the sidecar answers beside ext_authz.
    edge,
    /// Who is known: OAuth clients, holders of API keys.
    identity,
    /// Policy: asked directly, and published.
    policy,
    /// One stream per sidecar: hints, revocations, API keys.
    sync,
    /// Issuing tokens, publishing the keys that verify them, revoking.
    token,
}

/// Every contract as a serialised `google.protobuf.FileDescriptorSet`, without comments: for gRPC reflection and for
/// the compatibility check.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));

/// Envoy's `envoy.service.auth.v3` with all that it imports, in the same form: for protobuf JSON and gRPC reflection. The
/// Rust types of these messages are `envoy-types`'.
#[cfg(feature = "envoy")]
pub const ENVOY_FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/envoy.binpb"));
