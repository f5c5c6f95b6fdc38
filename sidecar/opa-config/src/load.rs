//! A configuration from its file and its flags, in OPA's order: `--set` goes over the file, `--set-file` over `--set`.

use postern_config::ConfigError;

use crate::host::Host;
use crate::notice::NotHonoured;
use crate::set::{set, set_with};
use crate::substitute::{Substituted, substitute, substitute_text};
use crate::tree::{MAX_NODES, Node, Place, Value, merge};
use crate::yaml;

/// Longest configuration read, 1 MiB.
const MAX_CONFIG_BYTES: usize = 1024 * 1024;

/// What flags say of the configuration.
pub(crate) struct Sources<'a> {
    /// `--config-file`.
    pub(crate) file: Option<&'a str>,
    /// Each `--set`, in order.
    pub(crate) set: &'a [String],
    /// Each `--set-file`, in order.
    pub(crate) set_file: &'a [String],
}

/// The configuration, a map, and what in its file doesn't hold.
pub(crate) fn load(sources: &Sources<'_>, host: &dyn Host) -> Result<(Node, Vec<NotHonoured>), ConfigError> {
    let (mut base, notices, name) = match sources.file {
        None => (Vec::new(), Vec::new(), "the command line"),
        Some(name) => {
            let (entries, notices) = from_file(name, host)?;
            (entries, notices, name)
        }
    };
    merge(&mut base, from_flags(sources, host)?);
    let root = Node {
        at: Place::new(name, None),
        value: Value::Map(base),
    };
    if root.size() > MAX_NODES {
        return Err(root.at.error(
            "",
            format!("more than {MAX_NODES} values, so hardly a configuration"),
        ));
    }
    Ok((root, notices))
}

type Entries = Vec<(String, Node)>;

fn from_file(name: &str, host: &dyn Host) -> Result<(Entries, Vec<NotHonoured>), ConfigError> {
    let refuse = |message: String| ConfigError::at(name, None, "", message);
    let bytes = host
        .file(name)
        .map_err(|error| refuse(format!("can't be read: {error}")))?;
    if bytes.len() > MAX_CONFIG_BYTES {
        return Err(refuse(format!(
            "longer than {MAX_CONFIG_BYTES} bytes, so hardly a configuration"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|_| refuse("not UTF-8 text".to_owned()))?;
    let substituted = substitute(&text, host);
    if substituted.text.len() > MAX_CONFIG_BYTES {
        let message = format!(
            "longer than {MAX_CONFIG_BYTES} bytes with its variables put in, so hardly a configuration"
        );
        return Err(refuse(message));
    }
    read_map(name, &substituted)
}

/// Reads the map that `substituted` is; nothing at all is an empty one.
pub(crate) fn read_map(
    name: &str,
    substituted: &Substituted,
) -> Result<(Entries, Vec<NotHonoured>), ConfigError> {
    let read = yaml::read(name, substituted)?;
    match read.root.map(|root| (root.value, root.at)) {
        None | Some((Value::Null, _)) => Ok((Vec::new(), read.notices)),
        Some((Value::Map(entries), _)) => Ok((entries, read.notices)),
        Some((other, at)) => Err(at.error("", format!("expected a map of keys, got {}", other.described()))),
    }
}

fn from_flags(sources: &Sources<'_>, host: &dyn Host) -> Result<Entries, ConfigError> {
    let mut over = Vec::new();
    let at = Place::new("--set", None);
    for text in sources.set {
        set(&substitute_text(text, host), &at, &mut over)
            .map_err(|message| at.error(name_of(text), message))?;
    }
    let at = Place::new("--set-file", None);
    let contents = |path: &str| {
        let bytes = host
            .file(path)
            .map_err(|error| format!("{path} can't be read: {error}"))?;
        let text = String::from_utf8(bytes).map_err(|_| format!("{path} is not UTF-8 text"))?;
        Ok(Value::text(text.trim()))
    };
    for text in sources.set_file {
        set_with(text, &at, &mut over, &contents).map_err(|message| at.error(name_of(text), message))?;
    }
    Ok(over)
}

/// The key that a `--set` begins with: what comes after `=` may be a secret.
fn name_of(text: &str) -> &str {
    text.split_once('=').map_or("", |(key, _)| key)
}
