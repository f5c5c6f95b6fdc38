//! The demo's constants: who its clients are and what its policy is called. Holds no secret: those are made per folder.

/// The bundle's name, and the id of the key that signs it.
pub const BUNDLE: &str = "demo";
/// What the sidecar asks the policy.
pub const ENTRYPOINT: &str = "orders/authz/decision";
/// Whom the demo's tokens are for.
pub const AUDIENCE: &str = "urn:postern:demo";

/// A client that `postern dev` registers.
#[derive(Clone, Copy, Debug)]
pub struct ClientSpec {
    /// Its name and its `client_id`.
    pub name: &'static str,
    /// What it may ask for.
    pub scopes: &'static [&'static str],
}

/// One that may only read, and one that may write too.
pub const CLIENTS: [ClientSpec; 2] = [
    ClientSpec {
        name: "reader",
        scopes: &["orders:read"],
    },
    ClientSpec {
        name: "writer",
        scopes: &["orders:read", "orders:write"],
    },
];
