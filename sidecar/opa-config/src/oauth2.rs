//! `credentials.oauth2`: a token from a token endpoint.

use postern_config::ConfigError;
use secrecy::SecretString;
use serde_json::{Map, Value as Json};

use crate::keys::Keys;
use crate::section::Section;

const DEFAULT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How the token is got.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    /// The token endpoint; always https, with the service's own TLS settings.
    pub token_url: String,
    /// What is asked for it with.
    pub grant: Grant,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Put into each request for a token. Values may be secrets.
    pub additional_headers: Vec<(String, SecretString)>,
    /// Put into each request's form. Values may be secrets.
    pub additional_parameters: Vec<(String, SecretString)>,
}

/// What a token is asked for with.
#[derive(Clone, Debug)]
pub enum Grant {
    /// RFC 6749, section 4.4, with the secret in `Authorization: Basic`.
    ClientSecret {
        /// The client.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
    },
    /// RFC 6749, section 4.4, with RFC 7523's assertion, which is signed for each request.
    SignedClientAssertion {
        /// The client, if it is to be named.
        client_id: Option<String>,
        /// What is signed.
        assertion: Assertion,
    },
    /// The same with an assertion that somebody else made.
    ClientAssertion {
        /// The client.
        client_id: String,
        /// Its form's `client_assertion_type`.
        assertion_type: String,
        /// The assertion, or the file that it is read from for each request.
        source: AssertionSource,
    },
    /// RFC 7523, section 2.1.
    JwtBearer(Assertion),
}

/// An assertion of others.
#[derive(Clone, Debug)]
pub enum AssertionSource {
    /// Itself.
    Given(SecretString),
    /// The path of its file.
    File(String),
}

/// An assertion that is signed here.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// One of `keys`; it has a private key.
    pub signing_key: String,
    /// The certificate's SHA-1 thumbprint, for `x5t`.
    pub thumbprint: Option<Vec<u8>>,
    /// Laid over `iat` and `exp`.
    pub additional_claims: Map<String, Json>,
    /// A random `jti` is put in.
    pub include_jti: bool,
}

/// Reads `oauth2`. AWS KMS and Azure Key Vault are refused before.
pub(crate) fn oauth2(section: &Section<'_>, keys: &Keys) -> Result<OAuth2, ConfigError> {
    let grant = match section.word("grant_type")?.as_deref() {
        None | Some("client_credentials") => client_credentials(section, keys)?,
        Some("jwt_bearer") => Grant::JwtBearer(assertion(section, keys)?),
        Some(_) => return Err(section.error("grant_type", "expected one of client_credentials, jwt_bearer")),
    };
    let token_url = section.text("token_url")?.unwrap_or_default();
    if token_url.strip_prefix("https://").is_none_or(str::is_empty) {
        return Err(section.error("token_url", "expected https://…"));
    }
    let secrets = |key| {
        let pairs = section.text_map(key)?.into_iter();
        Ok::<_, ConfigError>(pairs.map(|(name, value)| (name, value.into())).collect())
    };
    Ok(OAuth2 {
        token_url,
        grant,
        scopes: section.texts("scopes")?,
        additional_headers: secrets("additional_headers")?,
        additional_parameters: secrets("additional_parameters")?,
    })
}

fn client_credentials(section: &Section<'_>, keys: &Keys) -> Result<Grant, ConfigError> {
    const WAYS: [&str; 4] = [
        "client_secret",
        "signing_key",
        "client_assertion",
        "client_assertion_path",
    ];
    let mut named = Vec::new();
    for way in WAYS {
        if section.word(way)?.is_some() {
            named.push(way);
        }
    }
    let way = match named.as_slice() {
        [way] => *way,
        [] => return Err(section.error_here(format!("expected one of {}", WAYS.join(", ")))),
        [first, second, ..] => {
            return Err(section.error(second, format!("there is `{first}`, too; keep one of them")));
        }
    };
    let client_id = section.word("client_id")?;
    let needed = || section.error("client_id", format!("missing; `{way}` needs it"));
    let assertion_type = || {
        let given = section.word("client_assertion_type")?;
        Ok::<_, ConfigError>(given.unwrap_or_else(|| DEFAULT_ASSERTION_TYPE.to_owned()))
    };
    let value = section.word(way)?.unwrap_or_default();
    Ok(match way {
        "client_secret" => Grant::ClientSecret {
            client_id: client_id.ok_or_else(needed)?,
            client_secret: value.into(),
        },
        "signing_key" => Grant::SignedClientAssertion {
            client_id,
            assertion: assertion(section, keys)?,
        },
        "client_assertion" => Grant::ClientAssertion {
            client_id: client_id.ok_or_else(needed)?,
            assertion_type: assertion_type()?,
            source: AssertionSource::Given(value.into()),
        },
        _ => Grant::ClientAssertion {
            client_id: client_id.ok_or_else(needed)?,
            assertion_type: assertion_type()?,
            source: AssertionSource::File(value),
        },
    })
}

fn assertion(section: &Section<'_>, keys: &Keys) -> Result<Assertion, ConfigError> {
    const KEY: &str = "signing_key";
    let Some(signing_key) = section.word(KEY)? else {
        return Err(section.error(KEY, "missing; name one of `keys`"));
    };
    match keys.get(&signing_key) {
        None => return Err(section.error(KEY, format!("`{signing_key}` is not in `keys`"))),
        Some(key) if key.private_key.is_none() => {
            return Err(section.error(KEY, format!("keys.{signing_key} has no private_key to sign with")));
        }
        Some(_) => {}
    }
    let thumbprint = section.word("thumbprint")?;
    let thumbprint = thumbprint
        .map(|text| {
            hex(&text).ok_or_else(|| section.error("thumbprint", "expected hexadecimal digits, two a byte"))
        })
        .transpose()?;
    let claims = section.section("additional_claims")?;
    Ok(Assertion {
        signing_key,
        thumbprint,
        additional_claims: claims
            .entries()
            .map(|(name, node)| (name.to_owned(), node.json()))
            .collect(),
        include_jti: section.flag("include_jti_claim")?,
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}
