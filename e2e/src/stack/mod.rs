//! The whole product, started as a newcomer starts it (`postern dev`, [`Stack`]) on ports and in a folder of its own, or a
//! sidecar and an Envoy alone with configurations of the test's own ([`Mesh`]), and asked from outside. What tests need to read well lives here; what they promise stands in the tests.

mod answer;
mod authority;
mod binaries;
mod envoy_config;
mod issuer;
pub mod mesh;
mod nginx;
mod oidc_provider;
mod ports;
mod process;
mod running;
mod upstream;

pub use answer::Answer;
pub use authority::{Authority, Workload};
pub use binaries::{binary, root};
pub use envoy_config::EnvoyConfig;
pub use issuer::TestIssuer;
pub use mesh::{AUDIENCE, Mesh, MeshBuilder, raw};
pub use nginx::Nginx;
pub use oidc_provider::OidcProvider;
pub use ports::free_base;
pub use process::{alive, terminate, until, wait_until};
pub use running::{Client, Options, Stack};
pub use upstream::serve_upstream;
