//! How a service is shown who asks. OPA finds out what is wrong here with its first request, we at start.

use postern_config::ConfigError;
use secrecy::SecretString;

use crate::aws::{S3Signing, s3_signing};
use crate::host::Host;
use crate::keys::Keys;
use crate::oauth2::{OAuth2, oauth2};
use crate::section::Section;
use crate::services::ServerTls;

/// One way, of those that are honoured.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// None.
    None,
    /// A token in `Authorization`.
    Bearer {
        /// What comes before it, `Bearer` by default.
        scheme: String,
        /// Where it is.
        token: BearerToken,
    },
    /// A token that is got for a secret or a signed assertion.
    OAuth2(Box<OAuth2>),
    /// A client certificate.
    ClientTls(ClientTls),
    /// AWS's signature, version 4.
    S3Signing(S3Signing),
}

/// A token, or the file that it is read from for each request, without white space around it.
#[derive(Clone, Debug)]
pub enum BearerToken {
    /// The token, which may be empty.
    Given(SecretString),
    /// The path of its file.
    File(String),
}

/// A client certificate.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// The file of the certificate and those between it and its authority, in PEM.
    pub cert: String,
    /// The file of its key, in PEM.
    pub private_key: String,
    /// What the key's file is encrypted with.
    pub private_key_passphrase: Option<SecretString>,
    /// How long the files are taken for unchanged, in seconds; 0 reads them for each connection.
    pub cert_reread_interval_seconds: u64,
}

/// Reads `credentials`. What is refused by name was refused before.
pub(crate) fn credentials(
    section: &Section<'_>,
    keys: &Keys,
    host: &dyn Host,
    tls: &mut ServerTls,
) -> Result<Credentials, ConfigError> {
    const WAYS: [&str; 4] = ["bearer", "oauth2", "client_tls", "s3_signing"];
    let mut named = WAYS.into_iter().filter(|way| section.has(way));
    let Some(way) = named.next() else {
        return Ok(Credentials::None);
    };
    if let Some(second) = named.next() {
        return Err(section.error(second, format!("there is `{way}`, too; keep one way")));
    }
    let part = section.section(way)?;
    match way {
        "bearer" => bearer(&part),
        "oauth2" => Ok(Credentials::OAuth2(Box::new(oauth2(&part, keys)?))),
        "client_tls" => client_tls(&part, tls).map(Credentials::ClientTls),
        _ => s3_signing(&part, host).map(Credentials::S3Signing),
    }
}

fn bearer(section: &Section<'_>) -> Result<Credentials, ConfigError> {
    let token = match (section.word("token")?, section.word("token_path")?) {
        (Some(_), Some(_)) => {
            return Err(section.error("token_path", "there is `token`, too; keep one of them"));
        }
        (None, Some(path)) => BearerToken::File(path),
        (token, None) => BearerToken::Given(token.unwrap_or_default().into()),
    };
    let scheme = section.word("scheme")?;
    Ok(Credentials::Bearer {
        scheme: scheme.unwrap_or_else(|| "Bearer".to_owned()),
        token,
    })
}

fn client_tls(section: &Section<'_>, tls: &mut ServerTls) -> Result<ClientTls, ConfigError> {
    let needed = |key| {
        section
            .word(key)?
            .ok_or_else(|| section.error(key, "missing; name the file"))
    };
    // Where authorities stood before `tls` was there.
    if tls.ca_cert.is_none() {
        tls.ca_cert = section.word("ca_cert")?;
        tls.system_ca_required = section.flag("system_ca_required")?;
    }
    let interval = section.integer("cert_reread_interval_seconds")?.unwrap_or(0);
    Ok(ClientTls {
        cert: needed("cert")?,
        private_key: needed("private_key")?,
        private_key_passphrase: section.secret("private_key_passphrase")?,
        cert_reread_interval_seconds: u64::try_from(interval).unwrap_or(0),
    })
}
