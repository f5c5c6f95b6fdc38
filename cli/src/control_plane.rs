//! The way to the control plane: where it listens, what opens it, and a channel on which every call has a deadline.
//! Never retries, never logs a credential.

use std::{path::PathBuf, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::target::{DevFile, DevFileError};

/// Of a whole call: a control plane that compiles what is pushed takes up to twenty seconds for it.
const DEADLINE: Duration = Duration::from_secs(30);
/// Of making the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The flags that say where the control plane is; what they leave out comes from the data folder of `postern dev`.
#[derive(Clone, Debug, clap::Args)]
pub struct TargetArgs {
    #[command(flatten)]
    pub dev: crate::target::DataDirArgs,
    /// Where the control plane's gRPC listens [default: from dev.json].
    #[arg(long, value_name = "URL")]
    pub control_plane: Option<String>,
    /// The file that holds the credential for it [default: of the data folder].
    #[arg(long, value_name = "FILE")]
    pub credential_file: Option<PathBuf>,
}

impl TargetArgs {
    /// Settles where to call and with what.
    ///
    /// # Errors
    /// When neither a flag nor a data folder says it.
    pub fn target(&self) -> Result<Target, ConnectError> {
        let url = match &self.control_plane {
            Some(url) => url.clone(),
            None => DevFile::read(&self.dev.data_dir)?.control_plane_grpc,
        };
        let credential_file = self
            .credential_file
            .clone()
            .unwrap_or_else(|| self.dev.data_dir.join("control-plane/credentials/admin"));
        Ok(Target { url, credential_file })
    }
}

/// A control plane and the file whose credential opens it.
#[derive(Clone, Debug)]
pub struct Target {
    /// `http://host:port` of its gRPC.
    pub url: String,
    /// One line: the credential.
    pub credential_file: PathBuf,
}

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing says where the control plane is.
    #[error("no --control-plane was given, and {0}")]
    NoDevFile(#[from] DevFileError),
    /// Not a URL that can be called.
    #[error("--control-plane {url}: expected http://host:port of the control plane's gRPC")]
    Url {
        /// As given.
        url: String,
    },
    /// The credential can't be read.
    #[error("credential file {}: {source}; give it with --credential-file", path.display())]
    Credential {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The credential is not one.
    #[error("credential file {}: expected one line of visible ASCII", path.display())]
    CredentialForm {
        /// The file.
        path: PathBuf,
    },
    /// Nobody answers.
    #[error("no control plane answers at {url}: {reason}; is `postern dev` running?")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// The innermost cause.
        reason: String,
    },
}

/// A channel to the control plane that sends the credential with each call. For any of the generated clients.
pub type ControlPlane = InterceptedService<Channel, Credential>;

/// Adds `authorization: Bearer …` to each call.
#[derive(Clone)]
pub struct Credential(MetadataValue<Ascii>);

impl Interceptor for Credential {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Connects to `target`. Each call on the channel ends after ten seconds at the latest.
///
/// # Errors
/// When the credential can't be read or nobody answers; the message says which and what to do.
pub async fn connect(target: &Target) -> Result<ControlPlane, ConnectError> {
    let credential = read_credential(target)?;
    let endpoint = endpoint(&target.url)?;
    let channel = endpoint
        .connect()
        .await
        .map_err(|error| ConnectError::Unreachable {
            url: target.url.clone(),
            reason: innermost(&error),
        })?;
    Ok(InterceptedService::new(channel, credential))
}

fn endpoint(url: &str) -> Result<Endpoint, ConnectError> {
    let wrong = || ConnectError::Url { url: url.to_owned() };
    if !url.starts_with("http://") {
        return Err(wrong());
    }
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| wrong())?;
    Ok(endpoint.timeout(DEADLINE).connect_timeout(CONNECT_TIMEOUT))
}

fn read_credential(target: &Target) -> Result<Credential, ConnectError> {
    let path = &target.credential_file;
    let text: SecretString = std::fs::read_to_string(path)
        .map_err(|source| ConnectError::Credential {
            path: path.clone(),
            source,
        })?
        .into();
    let mut value: MetadataValue<Ascii> = format!("Bearer {}", text.expose_secret().trim())
        .parse()
        .map_err(|_| ConnectError::CredentialForm { path: path.clone() })?;
    value.set_sensitive(true);
    Ok(Credential(value))
}

/// What the control plane said to a call that it refused or could not answer, for a person.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub fn refused(status: Status) -> anyhow::Error {
    match status.code() {
        Code::Unauthenticated => anyhow::anyhow!(
            "the control plane refused the credential: {}; another data folder's? see --data-dir and --credential-file",
            status.message()
        ),
        Code::DeadlineExceeded | Code::Cancelled => {
            anyhow::anyhow!(
                "the control plane did not answer within {} s; is this the gRPC port?",
                DEADLINE.as_secs()
            )
        }
        code => anyhow::anyhow!(
            "the control plane answered {code:?}: {}{}",
            status.message(),
            fields(&status)
        ),
    }
}

/// The fields that are wrong, where the control plane names them.
fn fields(status: &Status) -> String {
    let violations = status
        .get_details_bad_request()
        .map(|request| request.field_violations)
        .unwrap_or_default();
    violations
        .iter()
        .map(|wrong| format!("\n  {}: {}", wrong.field, wrong.description))
        .collect()
}

/// The cause at the bottom of an error: `Connection refused`, where the top says `transport error`.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_called_is_refused_by_name() {
        for url in ["127.0.0.1:8081", "https://localhost", "http://", "unix:/x"] {
            let error = endpoint(url).map(|_| ()).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("--control-plane {url}: expected http://")),
                "{error}"
            );
        }
        assert!(endpoint("http://127.0.0.1:8081").is_ok());
    }

    #[test]
    fn a_silent_port_may_be_the_wrong_one() {
        // HTTP/1.1 answers nothing that a gRPC client understands.
        let error = refused(Status::deadline_exceeded("")).to_string();
        assert!(error.ends_with("is this the gRPC port?"), "{error}");
    }

    #[test]
    fn a_missing_credential_names_the_file_and_the_flag() {
        let target = Target {
            url: "http://127.0.0.1:1".into(),
            credential_file: "/nowhere/admin".into(),
        };
        let error = read_credential(&target).map(|_| ()).unwrap_err().to_string();
        assert!(
            error.contains("/nowhere/admin") && error.contains("--credential-file"),
            "{error}"
        );
    }
}
