//! `credentials.s3_signing`: where AWS's keys come from.

use postern_config::ConfigError;

use crate::host::Host;
use crate::section::Section;

/// How requests are signed for AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Signing {
    /// The service that the signature is for, in small letters; `s3` by default.
    pub service: String,
    /// Where keys come from: the first that has some.
    pub sources: Vec<AwsSource>,
}

/// One source of AWS's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AwsSource {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_SESSION_TOKEN` (or `AWS_SECURITY_TOKEN`), read for
    /// each request.
    Environment,
    /// A token of the platform's, exchanged at STS (EKS).
    WebIdentity(WebIdentity),
    /// A file of profiles.
    Profile(Profile),
    /// The instance's metadata service, or the container's (ECS).
    Metadata {
        /// The role; the instance's own if none is named.
        iam_role: Option<String>,
        /// The region.
        region: String,
    },
}

/// A token of the platform's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    /// `AWS_ROLE_ARN`.
    pub role_arn: String,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
    pub token_file: String,
    /// The region; `AWS_REGION` by default.
    pub region: String,
    /// The session's name at STS.
    pub session_name: Option<String>,
    /// STS's domain; `AWS_DOMAIN`, or AWS's own, by default.
    pub domain: Option<String>,
}

/// A profile. What isn't set comes from the environment with each request: `AWS_SHARED_CREDENTIALS_FILE` (or
/// `~/.aws/credentials`), `AWS_PROFILE` (or `default`), `AWS_REGION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The file.
    pub path: Option<String>,
    /// The profile in it.
    pub profile: Option<String>,
    /// The region.
    pub region: Option<String>,
}

/// Reads `s3_signing`. Assumed roles and SSO are refused before.
pub(crate) fn s3_signing(section: &Section<'_>, host: &dyn Host) -> Result<S3Signing, ConfigError> {
    let mut sources = Vec::new();
    if section.has("environment_credentials") {
        sources.push(AwsSource::Environment);
    }
    if let Some(part) = section.optional("web_identity_credentials")? {
        sources.push(AwsSource::WebIdentity(web_identity(&part, host)?));
    }
    if let Some(part) = section.optional("profile_credentials")? {
        sources.push(AwsSource::Profile(Profile {
            path: part.word("path")?,
            profile: part.word("profile")?,
            region: part.word("aws_region")?,
        }));
    }
    if let Some(part) = section.optional("metadata_credentials")? {
        let region = part.word("aws_region")?;
        sources.push(AwsSource::Metadata {
            iam_role: part.word("iam_role")?,
            region: region.ok_or_else(|| part.error("aws_region", "missing; name the region"))?,
        });
    }
    if sources.is_empty() {
        return Err(section.error_here(
            "expected one of environment_credentials, web_identity_credentials, profile_credentials, metadata_credentials \
             (`environment_credentials: {}` reads AWS's usual variables)",
        ));
    }
    let service = section.word("service")?.map(|service| service.to_lowercase());
    match service.as_deref() {
        Some("ecr") => {
            return Err(section.error(
                "service",
                "`ecr` is for services of type oci, which aren't offered",
            ));
        }
        Some("kms") => {
            return Err(section.error("service", "`kms` is for signing tokens, which isn't offered"));
        }
        _ => {}
    }
    if !matches!(section.word("signature_version")?.as_deref(), None | Some("4")) {
        return Err(section.error("signature_version", "expected \"4\""));
    }
    Ok(S3Signing {
        service: service.unwrap_or_else(|| "s3".to_owned()),
        sources,
    })
}

fn web_identity(section: &Section<'_>, host: &dyn Host) -> Result<WebIdentity, ConfigError> {
    let variable = |name: &str| host.variable(name).filter(|value| !value.is_empty());
    let needed = |name: &str| {
        let missing =
            || section.error_here(format!("the environment variable {name} isn't set; EKS sets it"));
        variable(name).ok_or_else(missing)
    };
    let region = section.word("aws_region")?.or_else(|| variable("AWS_REGION"));
    Ok(WebIdentity {
        role_arn: needed("AWS_ROLE_ARN")?,
        token_file: needed("AWS_WEB_IDENTITY_TOKEN_FILE")?,
        region: region.ok_or_else(|| {
            section.error("aws_region", "missing, and AWS_REGION isn't set; name the region")
        })?,
        session_name: section.word("session_name")?,
        domain: section.word("aws_domain")?.or_else(|| variable("AWS_DOMAIN")),
    })
}
