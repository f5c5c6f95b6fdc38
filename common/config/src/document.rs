//! A configuration file: read once, turned into types, asked where its keys stand.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_saphyr::Options;

use crate::error::{ConfigError, Problem};
use crate::explain::explain;
use crate::layout::{Kind, Layout};

/// Longest configuration read, 1 MiB.
pub(crate) const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Reads the YAML file at `path` into `T`.
///
/// # Errors
/// [`ConfigError`] names the file, the line, the key and what was expected.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    Document::load(path)?.read()
}

/// Reads YAML `text` into `T`; errors call it `name`.
///
/// # Errors
/// [`ConfigError`] names `name`, the line, the key and what was expected.
pub fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, ConfigError> {
    Document::parse(name, text)?.read()
}

/// The text of a configuration and where its keys stand.
pub struct Document {
    name: String,
    folder: PathBuf,
    text: String,
    layout: Layout,
}

impl Document {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`] when it can't be read, is too large, or isn't YAML.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let refuse = |problem| ConfigError::new(&name, None, String::new(), problem);
        let unreadable = |error: std::io::Error| refuse(Problem::Unreadable(error.to_string()));
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAX_CONFIG_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_CONFIG_BYTES {
            return Err(refuse(Problem::TooLarge));
        }
        let text = String::from_utf8(bytes).map_err(|_| refuse(Problem::NotText))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        Ok(Self {
            folder,
            ..Self::parse(&name, &text)?
        })
    }

    /// Takes YAML from `text`; errors call it `name`. Relative paths in it stay as they are.
    ///
    /// # Errors
    /// [`ConfigError`] when it is too large or isn't YAML.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        let refuse = |line, problem| ConfigError::new(name, line, String::new(), problem);
        if text.len() as u64 > MAX_CONFIG_BYTES {
            return Err(refuse(None, Problem::TooLarge));
        }
        let layout = Layout::read(text).map_err(|(line, problem)| refuse(line, problem))?;
        if layout.node(&[]).is_none_or(|root| root.kind == Kind::Nothing) {
            return Err(refuse(None, Problem::Empty));
        }
        Ok(Self {
            name: name.to_owned(),
            folder: PathBuf::new(),
            text: text.to_owned(),
            layout,
        })
    }

    /// Reads the document into `T`.
    ///
    /// # Errors
    /// [`ConfigError`] names the line, the key and what was expected.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let mut track = serde_path_to_error::Track::new();
        let result = serde_saphyr::with_deserializer_from_str_with_options(&self.text, options(), |yaml| {
            T::deserialize(serde_path_to_error::Deserializer::new(yaml, &mut track))
        });
        result.map_err(|error| explain(&self.name, &self.layout, &track.path(), &error))
    }

    /// An error about the value at `path` (list items by index, as `["issuers", "0", "audiences"]`): right in type,
    /// wrong in meaning. `message` says what was expected and what to do.
    #[must_use]
    pub fn invalid(&self, path: &[&str], message: impl Into<String>) -> ConfigError {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        let line = self.layout.nearest_line(&path);
        ConfigError::new(
            &self.name,
            line,
            self.layout.written(&path),
            Problem::Invalid(message.into()),
        )
    }

    /// The line of the key at `path`, from 1, when it is there.
    #[must_use]
    pub fn line_of(&self, path: &[&str]) -> Option<u64> {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        self.layout.node(&path).map(|node| node.line)
    }

    /// `path` as the configuration means it: relative ones start from the folder of the file.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

impl std::fmt::Debug for Document {
    /// Without the text, which may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// YAML without its surprises: `no` is text, `8080` is a number and nothing else, keys are there once.
fn options() -> Options {
    let limits = serde_saphyr::alias_limits! {
        max_total_replayed_events: 20_000,
        max_replay_stack_depth: 16,
        max_alias_expansions_per_anchor: 256,
    };
    serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        alias_limits: limits,
        strict_booleans: true,
        no_schema: true,
        reject_unsupported_tags: true,
        emit_comments: false,
        with_snippet: false,
    }
}
