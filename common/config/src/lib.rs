//! YAML configuration whose errors name file, line, key and what was expected. Never guesses, never fills in.
//!
//! ```text
//! sidecar.yaml:12: issuers[0].audiences: expected a list, got a string
//! sidecar.yaml:3: adimn: unknown key; did you mean `admin`? Known here: data_dir, ext_authz, admin
//! ```
//!
//! [`load`] reads a file into a type (give every struct `#[serde(deny_unknown_fields)]`). Where a value needs more than
//! its type, read a [`Document`] instead, and let it say where the offending key stands:
//!
//! ```
//! # #[derive(serde::Deserialize)] #[serde(deny_unknown_fields)] struct Settings { refresh_seconds: u32 }
//! let document = postern_config::Document::parse("sidecar.yaml", "refresh_seconds: 0")?;
//! let settings: Settings = document.read()?;
//! if settings.refresh_seconds == 0 {
//!     let error = document.invalid(&["refresh_seconds"], "expected at least 1 second, got 0");
//!     assert_eq!(error.to_string(), "sidecar.yaml:1: refresh_seconds: expected at least 1 second, got 0");
//! }
//! # Ok::<(), postern_config::ConfigError>(())
//! ```
//!
//! What YAML allows and this refuses: a key twice, several documents, a number or boolean where text is due, `yes` for
//! true, keys that aren't text, more than 1 MiB, and aliases that unfold into more than they are worth.

mod document;
mod error;
mod explain;
mod layout;
mod listen;

pub use document::{Document, load, parse};
pub use error::{ConfigError, Problem};
pub use listen::{Listen, ListenError};
