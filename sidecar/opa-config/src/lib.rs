//! OPA's command line and configuration, read into types: what a process must do that stands in for opa-envoy-plugin.
//! Reads what OPA reads, by OPA's rules, and says of everything what becomes of it: honoured, not honoured and named, or
//! refused. Pure: files and the environment come from a [`Host`]. Never opens, resolves or fetches anything itself.
//!
//! ```
//! use postern_opa_config::{Host, Plan};
//! struct Nothing;
//! impl Host for Nothing {
//!     fn variable(&self, _: &str) -> Option<String> { None }
//!     fn file(&self, _: &str) -> Result<Vec<u8>, String> { Err("there is none".to_owned()) }
//! }
//! let args = ["--server", "--set=plugins.envoy_ext_authz_grpc.path=shop/allow", "/policy/policy.rego"];
//! let plan = Plan::read(&args.map(str::to_owned), &Nothing)?;
//! let plugin = plan.config.ext_authz.expect("the plugin is configured");
//! assert_eq!(plugin.decision.path().entrypoint(), "shop/allow");
//! assert_eq!(plugin.address.to_string(), ":9191");
//! # Ok::<(), postern_config::ConfigError>(())
//! ```

mod active;
mod address;
mod aws;
mod bundles;
mod command_line;
mod config;
mod credentials;
mod decision_logs;
mod decision_path;
mod discovery;
mod download;
mod ext_authz;
mod fate;
mod flag_table;
mod host;
mod key_table;
mod keys;
mod load;
mod notice;
mod oauth2;
mod overrides;
mod pflag;
mod plan;
mod policy_files;
mod scalar;
mod section;
mod services;
mod set;
mod set_cursor;
mod status;
mod substitute;
mod tree;
mod yaml;

pub use address::Address;
pub use aws::{AwsSource, Profile, S3Signing, WebIdentity};
pub use bundles::{Bundle, BundleSource};
pub use command_line::{LogFormat, LogLevel, Logging, MinTls, Server};
pub use config::{OpaConfig, ReadConfig};
pub use credentials::{BearerToken, ClientTls, Credentials};
pub use decision_logs::{Buffer, DecisionLogs};
pub use decision_path::{DecisionPath, Segment};
pub use discovery::Discovery;
pub use download::{Polling, Signing};
pub use ext_authz::{Decision, ExtAuthz};
pub use fate::{Fate, KnownKey};
pub use flag_table::{FLAGS, Flag, Takes};
pub use host::Host;
pub use key_table::KEYS;
pub use keys::{Key, Keys};
pub use notice::NotHonoured;
pub use oauth2::{Assertion, AssertionSource, Grant, OAuth2};
pub use plan::Plan;
pub use policy_files::{FileVerification, PolicyFiles, PolicyPath, RegoVersion};
pub use services::{ServerTls, Service, Services};
pub use status::Status;
pub use tree::Place;
