//! Where keys are got that hold for a while: the metadata services of EC2 and ECS, and STS for a web identity (EKS).

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use postern_opa_config::WebIdentity;
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};

use super::answers::{self, Temporary};
use crate::opa::service::form::Form;
use crate::opa::service::{Around, answer, bearer, bounded};

/// How long a whole exchange may take, as in OPA.
const DEADLINE: Duration = Duration::from_secs(10);
/// The largest answer.
const MAX_BYTES: usize = 64 * 1024;

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// The addresses that AWS's machines know their metadata services under.
const EC2: &str = "http://169.254.169.254";
const ECS: &str = "http://169.254.170.2";

/// Asks the instance's metadata service (IMDSv2), or the container's.
pub(super) async fn metadata(
    client: &Client,
    role: Option<&str>,
    region: &str,
    around: &Around,
) -> Result<Temporary, String> {
    let (relative, full) = (around.host.variable(RELATIVE), around.host.variable(FULL));
    let is_ecs = relative.is_some() || full.is_some();
    let url = match (role, relative, &full) {
        (Some(role), _, _) => format!("{EC2}/latest/meta-data/iam/security-credentials/{role}"),
        (None, Some(path), _) => format!("{ECS}{path}"),
        (None, None, Some(url)) => url.clone(),
        (None, None, None) => {
            return Err(format!(
                "no metadata service is known: name `iam_role`, or run where {RELATIVE} or {FULL} is set"
            ));
        }
    };
    let mut request = client.get(url);
    if full.is_some() {
        request = request.header(AUTHORIZATION, container_token(around).await?);
    }
    if !is_ecs {
        let token = client
            .put(format!("{EC2}/latest/api/token"))
            .header("x-aws-ec2-metadata-token-ttl-seconds", "60");
        let token = asked(token, "the metadata service, for a token").await?;
        let token = secret(&String::from_utf8_lossy(&token))?;
        request = request.header("x-aws-ec2-metadata-token", token);
    }
    let body = asked(request, "the metadata service").await?;
    answers::metadata(&body, role.is_some(), region)
}

/// The container's own token, without the line end that OPA stumbles over.
async fn container_token(around: &Around) -> Result<HeaderValue, String> {
    if let Some(path) = around.host.variable(TOKEN_FILE) {
        return secret(bearer::secret_file(&path, around).await?.expose_secret());
    }
    let token = around.host.variable(TOKEN).map(SecretString::from);
    let token = token.ok_or_else(|| format!("{FULL} is set, but neither {TOKEN_FILE} nor {TOKEN}"))?;
    secret(token.expose_secret().trim())
}

fn secret(text: &str) -> Result<HeaderValue, String> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| "a token can't be sent in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Exchanges the platform's token at STS.
pub(super) async fn web_identity(
    client: &Client,
    identity: &WebIdentity,
    around: &Around,
) -> Result<Temporary, String> {
    let token = around.file(&identity.token_file).await?;
    let token = std::str::from_utf8(&token).map_err(|_| format!("{}: it isn't text", identity.token_file))?;
    let domain = identity
        .domain
        .as_deref()
        .unwrap_or("amazonaws.com")
        .to_lowercase();
    let region = identity.region.to_lowercase();
    let url = format!("https://sts.{region}.{domain}");
    let mut form = Form::default();
    form.add("Action", "AssumeRoleWithWebIdentity");
    form.add(
        "RoleSessionName",
        identity.session_name.as_deref().unwrap_or("open-policy-agent"),
    );
    form.add("RoleArn", &identity.role_arn);
    form.add("WebIdentityToken", token);
    form.add("Version", "2011-06-15");
    let request = client
        .post(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.encoded());
    let body = asked(request, "STS").await?;
    answers::sts(&body, &identity.region)
}

/// A whole answer of 200.
async fn asked(request: RequestBuilder, whom: &str) -> Result<Vec<u8>, String> {
    let exchange = async {
        let response = answer(request.send(), DEADLINE).await?;
        if response.status().as_u16() != 200 {
            return Err(format!("it answered {}", response.status()));
        }
        bounded(response, MAX_BYTES).await
    };
    let asked = tokio::time::timeout(DEADLINE, exchange).await;
    let asked = asked.unwrap_or_else(|_| Err(format!("no answer within {} s", DEADLINE.as_secs())));
    asked.map_err(|problem| format!("{whom}: {problem}"))
}
