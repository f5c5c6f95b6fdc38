//! What the command line says about policy on this machine's disk.

use postern_config::ConfigError;
use secrecy::SecretString;

use crate::host::Host;
use crate::keys::known;
use crate::pflag::{COMMAND_LINE, Given};

/// Policy and data that are loaded at start.
#[derive(Clone, Debug)]
pub struct PolicyFiles {
    /// Files and folders, in order.
    pub paths: Vec<PolicyPath>,
    /// They are bundles, archives or folders, rather than loose Rego, JSON and YAML.
    pub as_bundles: bool,
    /// Names of files and folders that are passed over, with `*` and `?`; `.*` is whatever is hidden.
    pub ignore: Vec<String>,
    /// How Rego is read that doesn't say itself.
    pub rego: RegoVersion,
    /// What the bundles' signatures are verified with; a signed bundle is refused without, since no key could prove it.
    pub verification: Option<FileVerification>,
    /// Signatures are passed over.
    pub skip_verify: bool,
    /// They are loaded again when they change.
    pub watch: bool,
}

/// One file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyPath {
    /// Where in `data` its data goes; the root if there is none. Rego goes where its package says.
    pub prefix: Vec<String>,
    /// The path.
    pub path: String,
}

/// How Rego is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegoVersion {
    /// With `--v0-compatible`.
    V0,
    /// By default.
    V1,
}

/// What bundles' signatures are verified with.
#[derive(Clone, Debug)]
pub struct FileVerification {
    /// A public key in PEM, or HMAC's secret.
    pub key: SecretString,
    /// The name that signatures call it by.
    pub key_id: String,
    /// The JWS algorithm.
    pub algorithm: String,
    /// What a signature's `scope` must be.
    pub scope: Option<String>,
    /// Files that need not be signed.
    pub exclude_files: Vec<String>,
}

/// Paths that are on this machine, and for each that isn't what `--set` says the same.
pub(crate) fn read(given: &Given, host: &dyn Host) -> Result<(PolicyFiles, Vec<String>), ConfigError> {
    let mut paths = Vec::new();
    let mut overrides = Vec::new();
    let mut remote = 0_usize;
    for written in &given.paths {
        if written.starts_with("http://") || written.starts_with("https://") {
            remote += 1;
            overrides.extend(as_overrides(remote, written)?);
        } else {
            paths.push(path(written).map_err(|message| wrong_path(written, message))?);
        }
    }
    let v0 = given.is_on("v0-compatible") && !given.is_on("v1-compatible");
    let files = PolicyFiles {
        paths,
        as_bundles: given.is_on("bundle"),
        ignore: given.all("ignore").to_vec(),
        rego: if v0 { RegoVersion::V0 } else { RegoVersion::V1 },
        verification: verification(given, host)?,
        skip_verify: given.is_on("skip-verify"),
        watch: given.is_on("watch"),
    };
    Ok((files, overrides))
}

/// `a.b:path`, `file:///path` or a path.
fn path(written: &str) -> Result<PolicyPath, String> {
    let colon = written.find(':');
    let (prefix, path) = match written.split_once(':') {
        Some((prefix, path)) if written.find("://") != colon && !prefix.is_empty() => {
            (prefix.split('.').map(str::to_owned).collect(), path)
        }
        _ => (Vec::new(), written),
    };
    let path = match path.split_once("://") {
        None => path,
        Some(("file", rest)) if rest.starts_with('/') && !rest.contains(['%', '?', '#']) => rest,
        Some(_) => return Err("expected a path, or file:// and a whole path without %, ? or #".to_owned()),
    };
    Ok(PolicyPath {
        prefix,
        path: path.to_owned(),
    })
}

/// What OPA makes of a bundle's URL.
fn as_overrides(number: usize, url: &str) -> Result<[String; 4], ConfigError> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let start = url.len() - rest.len();
    let end = rest.find(['/', '?', '#']).map_or(url.len(), |end| start + end);
    let (base, resource) = url.split_at_checked(end).unwrap_or((url, ""));
    // OPA takes the URL apart and writes it anew, and then reads commas and braces in it as its own.
    if resource.is_empty() || url.contains([',', '\\', '%', '#', '@']) || resource.starts_with(['?', '{']) {
        let message = "expected a URL with a path, without user, commas and %; configure `services` and `bundles` instead";
        return Err(wrong_path(url, message));
    }
    Ok([
        format!("services.cli{number}.url={base}"),
        format!("bundles.cli{number}.service=cli{number}"),
        format!("bundles.cli{number}.resource={resource}"),
        format!("bundles.cli{number}.persist=true"),
    ])
}

fn verification(given: &Given, host: &dyn Host) -> Result<Option<FileVerification>, ConfigError> {
    let Some(key) = given.last("verification-key").filter(|key| !key.is_empty()) else {
        return Ok(None);
    };
    if !given.is_on("bundle") {
        return Err(given.wrong("verification-key", "only bundles have signatures; add --bundle"));
    }
    let key = if host.exists(key) {
        let unreadable = |error| given.wrong("verification-key", format!("{key} can't be read: {error}"));
        let bytes = host.file(key).map_err(unreadable)?;
        String::from_utf8(bytes)
            .map_err(|_| given.wrong("verification-key", format!("{key} is not UTF-8 text")))?
    } else {
        key.to_owned()
    };
    let algorithm = given.last("signing-alg").unwrap_or("RS256");
    Ok(Some(FileVerification {
        key: SecretString::from(key),
        key_id: given.last("verification-key-id").unwrap_or("default").to_owned(),
        algorithm: known(algorithm).map_err(|message| given.wrong("signing-alg", message))?,
        scope: given
            .last("scope")
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned),
        exclude_files: given.all("exclude-files-verify").to_vec(),
    }))
}

fn wrong_path(path: &str, message: impl Into<String>) -> ConfigError {
    ConfigError::at(COMMAND_LINE, None, path, message)
}
