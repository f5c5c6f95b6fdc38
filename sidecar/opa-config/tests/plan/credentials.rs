//! What proves who asks, and who signed.

use postern_opa_config::{AwsSource, BearerToken, Credentials, Grant, Host as _, Plan};
use secrecy::ExposeSecret as _;

use super::support::{CONFIG, Machine, read, read_with};

#[test]
fn credentials_become_what_they_say() {
    let plan = read(include_str!("../configs/accepted/oauth2.yaml")).expect("a plan");
    let grant = |name: &str| match &plan.config.services[name].credentials {
        Credentials::OAuth2(oauth2) => oauth2.grant.clone(),
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(grant("secret"), Grant::ClientSecret { client_id, client_secret } if client_id == "opa" && client_secret.expose_secret() == "1234")
    );
    let Grant::JwtBearer(assertion) = grant("signed") else {
        panic!("an assertion");
    };
    assert_eq!(
        assertion
            .thumbprint
            .as_deref()
            .map(|bytes| (bytes.len(), bytes[0])),
        Some((20, 0x8f))
    );
    assert_eq!(
        serde_json::Value::Object(assertion.additional_claims)["admin"],
        true
    );
    assert!(
        matches!(grant("assertion"), Grant::ClientAssertion { assertion_type, .. } if assertion_type.ends_with(":jwt-bearer"))
    );

    let plan = read(include_str!("../configs/accepted/discovery.yaml")).expect("a plan");
    let Credentials::Bearer { scheme, token } = &plan.config.services["acmecorp"].credentials else {
        panic!("a token");
    };
    assert!(
        scheme == "Token" && matches!(token, BearerToken::File(path) if path == "/var/run/secrets/token")
    );
    let discovery = plan.config.discovery.expect("discovery");
    assert_eq!(
        (
            discovery.resource.as_str(),
            discovery.decision.entrypoint().as_str()
        ),
        ("configuration/example/discovery", "example/discovery")
    );

    let plan = read(include_str!("../configs/accepted/s3.yaml")).expect("a plan");
    let Credentials::S3Signing(signing) = &plan.config.services["s3"].credentials else {
        panic!("signing");
    };
    assert_eq!(
        (signing.service.as_str(), signing.sources.first()),
        ("s3", Some(&AwsSource::Environment))
    );
}

#[test]
fn signatures_are_asked_for_wherever_there_are_keys() {
    let config = "keys: {k: {key: x, scope: s}}\nbundles: {a: {resource: 'file:///a'}, b: {resource: 'file:///b', signing: {keyid: k, scope: t}}}";
    let bundles = read(config).expect("a plan").config.bundles;
    let signing = |name: &str| bundles[name].signing.clone().expect("a signature");
    assert_eq!((signing("a").key_id, signing("a").is_required), (None, false));
    assert!(signing("b").is_required);
    assert_eq!(
        (signing("b").key_id.as_deref(), signing("b").scope.as_deref()),
        (Some("k"), Some("t"))
    );
}

#[test]
fn secrets_are_never_shown() {
    let config = "services: {a: {url: 'https://a', headers: {x: hunter2}, credentials: {bearer: {token: hunter2}}}}\nkeys: {k: {key: hunter2, private_key: hunter2}}";
    let plan = read_with(&["--set=services.b.url=https://b,services.b.credentials.oauth2.client_secret=hunter2,services.b.credentials.oauth2.client_id=c,services.b.credentials.oauth2.token_url=https://c"], config).expect("a plan");
    let shown = format!("{plan:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let machine = Machine::with_config(
        "services: {a: {url: 'https://a', credentials: {bearer: {token: 1, scheme: hunter2}}}}",
    );
    assert!(machine.exists(CONFIG) && !machine.exists("x"));
    let error = Plan::read(&["-s", "-c", CONFIG].map(str::to_owned), &machine).expect_err("a number");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
