//! Requests signed for AWS, with keys from each source. AWS's own services can't be asked here: a proxy, which the environment
//! names, stands in for them.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use super::authority::Authority;
use super::recorder::{Answer, Came, Recorder, Speaks};
use super::{alike, both, comparable, programs, yes};

const KEYS: (&str, &str, &str) = ("AKIDTEST", "s3cr3t/+key", "eu-west-1");

/// What OPA's own builtin makes of the headers that a request says are signed.
fn signed_by_opa(came: &Came, host: &str, service: &str, token: Option<&str>) -> String {
    let authorization = came.header("authorization").unwrap();
    let names = authorization
        .split("SignedHeaders=")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let added = [
        "host",
        "x-amz-date",
        "x-amz-content-sha256",
        "x-amz-security-token",
    ];
    let headers: BTreeMap<&str, &str> = names
        .split(';')
        .filter(|name| !added.contains(name))
        .map(|name| (name, came.header(name).unwrap()))
        .collect();
    let time = came.header("x-amz-date").unwrap().replace('Z', "+0000");
    let time = jiff::Timestamp::strptime("%Y%m%dT%H%M%S%z", time).unwrap();
    let mut config = json!({
        "aws_access_key": KEYS.0, "aws_secret_access_key": KEYS.1, "aws_region": KEYS.2, "aws_service": service,
    });
    if let Some(token) = token {
        config["aws_session_token"] = token.into();
    }
    let input = json!({
        "request": {
            "method": came.method, "url": format!("http://{host}{}", came.target), "headers": headers,
            "raw_body": String::from_utf8(came.body.to_vec()).unwrap(),
        },
        "config": config,
        "ns": i64::try_from(time.as_nanosecond()).unwrap(),
    });
    let mut opa = Command::new(programs::opa())
        .args(["eval", "--format=json", "--stdin-input"])
        .arg("providers.aws.sign_req(input.request, input.config, input.ns).headers.Authorization")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer(opa.stdin.take().unwrap(), &input).unwrap();
    let output: Json = serde_json::from_slice(&opa.wait_with_output().unwrap().stdout).unwrap();
    let signed = &output["result"][0]["expressions"][0]["value"];
    signed.as_str().unwrap_or_else(|| panic!("{output}")).to_owned()
}

/// A request, without what is of its moment and its text.
fn lasting(came: &Came) -> Came {
    let mut came = comparable(came);
    for (name, value) in &mut came.headers {
        match name.as_str() {
            "x-amz-date" | "x-amz-content-sha256" => value.clear(),
            "authorization" => {
                let end = value.find(",Signature=").unwrap_or(value.len());
                value.truncate(end);
                // The day.
                if let Some(rest) = value
                    .split('/')
                    .skip(2)
                    .map(str::to_owned)
                    .reduce(|a, b| a + "/" + &b)
                {
                    *value = rest;
                }
            }
            _ => {}
        }
    }
    came
}

fn config(port: u16, signing: &str) -> String {
    format!(
        "services: {{s: {{url: 'http://127.0.0.1:{port}/bucket', headers: {{x-b: 'a  b', X-A: '1'}}, \
         credentials: {{s3_signing: {signing}}}}}}}\nstatus: {{service: s}}\n"
    )
}

fn environment() -> Vec<(&'static str, String)> {
    [
        ("AWS_ACCESS_KEY_ID", KEYS.0),
        ("AWS_SECRET_ACCESS_KEY", KEYS.1),
        ("AWS_REGION", KEYS.2),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// That both programs sign alike, and as OPA's builtin signs.
async fn signed(
    config: &str,
    environment: &[(&str, String)],
    recorder: &Recorder,
    service: &str,
    token: Option<&str>,
) {
    let folder = tempfile::tempdir().unwrap();
    let came = both(folder.path(), config, environment, recorder).await;
    let host = format!("127.0.0.1:{}", recorder.port);
    let firsts = came.map(|came| {
        let first = came
            .into_iter()
            .find(|came| came.target.contains("/status"))
            .unwrap();
        assert_eq!(
            first.header("authorization").unwrap(),
            signed_by_opa(&first, &host, service, token)
        );
        assert_eq!(first.header("x-amz-security-token"), token);
        lasting(&first)
    });
    assert_eq!(firsts[0], firsts[1], "{config}");
}

#[tokio::test]
async fn requests_are_signed_with_keys_of_the_environment_or_a_profile() {
    let recorder = Recorder::start(Speaks::Plain, yes).await;
    let of_the_environment = config(recorder.port, "{environment_credentials: {}}");
    signed(&of_the_environment, &environment(), &recorder, "s3", None).await;
    for variable in ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"] {
        let mut with_a_token = environment();
        with_a_token.push((variable, "t0k=".to_owned()));
        let config = config(
            recorder.port,
            "{service: Execute-API, environment_credentials: {}}",
        );
        signed(&config, &with_a_token, &recorder, "execute-api", Some("t0k=")).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let profiles = format!(
        "# mine\n[default]\naws_access_key_id = no\n\n[other]\naws_access_key_id={}\naws_secret_access_key : '{}' \n\
         aws_session_token = t0k ; a comment\n[later]\nx = y\n",
        KEYS.0, KEYS.1
    );
    std::fs::write(&file, profiles).unwrap();
    // The environment comes first, and has nothing.
    let config = config(
        recorder.port,
        &format!(
            "{{environment_credentials: {{}}, profile_credentials: {{path: {}, profile: other, aws_region: {}}}}}",
            file.display(),
            KEYS.2
        ),
    );
    signed(&config, &[], &recorder, "s3", Some("t0k")).await;
    let by_variables = [
        ("AWS_SHARED_CREDENTIALS_FILE", file.display().to_string()),
        ("AWS_PROFILE", "other".to_owned()),
        ("AWS_REGION", KEYS.2.to_owned()),
    ];
    let config = self::config(recorder.port, "{profile_credentials: {}}");
    signed(&config, &by_variables, &recorder, "s3", Some("t0k")).await;
}

/// Stands in for AWS's metadata services and STS.
fn aws(came: &Came) -> Answer {
    let keys = json!({
        "Code": "Success", "AccessKeyId": KEYS.0, "SecretAccessKey": KEYS.1, "Token": "t0k",
        "Expiration": "2100-01-01T00:00:00Z",
    });
    let body = if came.target.ends_with("/latest/api/token") {
        "a-session".to_owned()
    } else if came.method == "POST" {
        format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithWebIdentityResult><Credentials><SessionToken>t0k</SessionToken>\
             <SecretAccessKey>{}</SecretAccessKey><Expiration>2100-01-01T00:00:00Z</Expiration>\
             <AccessKeyId>{}</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult>\
             </AssumeRoleWithWebIdentityResponse>",
            KEYS.1, KEYS.0
        )
    } else {
        keys.to_string()
    };
    (200, Vec::new(), body)
}

#[tokio::test]
async fn keys_that_hold_for_a_while_are_got_as_opa_gets_them() {
    let authority = Authority::new();
    let acceptor = authority.acceptor("sts.eu-west-1.amazonaws.com", false);
    let proxy = Recorder::start(Speaks::Proxy(acceptor), aws).await;
    let recorder = Recorder::start(Speaks::Plain, yes).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "the platform's\n").unwrap();
    let token = token.display().to_string();
    let of_the_container = folder.path().join("container");
    std::fs::write(&of_the_container, "a token of a file").unwrap();
    let through = format!("http://127.0.0.1:{}", proxy.port);
    let base = [
        ("HTTP_PROXY", through.clone()),
        ("HTTPS_PROXY", through),
        ("SSL_CERT_FILE", ca.display().to_string()),
    ];
    let region = format!("aws_region: {}", KEYS.2);
    for (signing, more) in [
        (
            format!("{{metadata_credentials: {{iam_role: a-role, {region}}}}}"),
            vec![],
        ),
        (
            format!("{{metadata_credentials: {{{region}}}}}"),
            vec![(
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "/v2/keys?id=1".to_owned(),
            )],
        ),
        (
            format!("{{metadata_credentials: {{{region}}}}}"),
            vec![
                (
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    "http://full.test/keys".to_owned(),
                ),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a token".to_owned()),
            ],
        ),
        (
            format!("{{metadata_credentials: {{iam_role: r, {region}}}}}"),
            vec![
                (
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    "http://full.test/keys".to_owned(),
                ),
                (
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                    of_the_container.display().to_string(),
                ),
            ],
        ),
        (
            "{web_identity_credentials: {}}".to_owned(),
            vec![
                ("AWS_REGION", KEYS.2.to_owned()),
                ("AWS_ROLE_ARN", "arn:aws:iam::1:role/a".to_owned()),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", token.clone()),
            ],
        ),
        (
            format!(
                "{{web_identity_credentials: {{{region}, session_name: mine, aws_domain: AMAZONAWS.com}}}}"
            ),
            vec![
                ("AWS_ROLE_ARN", "arn:aws:iam::1:role/a".to_owned()),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", token.clone()),
            ],
        ),
    ] {
        let mut environment = base.to_vec();
        environment.extend(more);
        let config = config(recorder.port, &signing);
        let folder = tempfile::tempdir().unwrap();
        let asked = [programs::Program::Opa, programs::Program::Sidecar].map(|program| {
            let (folder, config, environment) = (folder.path(), config.as_str(), environment.as_slice());
            let (recorder, proxy) = (&recorder, &proxy);
            async move {
                let came = programs::came_of(program, folder, config, environment, recorder).await;
                let host = format!("127.0.0.1:{}", recorder.port);
                let wanted = signed_by_opa(&came[0], &host, "s3", Some("t0k"));
                assert_eq!(came[0].header("authorization"), Some(wanted.as_str()), "{config}");
                proxy.taken().iter().map(comparable).collect::<Vec<_>>()
            }
        });
        let [opa, ours] = asked;
        let (opa, ours) = (opa.await, ours.await);
        assert_eq!(ours, opa, "{config}");
        assert!(!ours.is_empty());
    }
}

#[tokio::test]
async fn a_service_is_asked_through_the_proxy_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = Recorder::start(Speaks::Proxy(Authority::new().acceptor("x", false)), yes).await;
    let environment = [
        ("http_proxy", format!("http://user:pass@127.0.0.1:{}", proxy.port)),
        ("NO_PROXY", "other.test".to_owned()),
    ];
    let config = "services: {s: {url: 'http://service.test/x'}}\nstatus: {service: s}\n";
    let came = alike(folder.path(), config, &environment, &proxy).await;
    assert_eq!(came[0].target, "http://service.test/x/status");
    assert!(came[0].header("proxy-authorization").is_some());
}
