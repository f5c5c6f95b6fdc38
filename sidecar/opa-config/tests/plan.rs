//! What a plan says: OPA's defaults, its order of precedence, and what flags and keys become.

mod support;

use postern_opa_config::{
    Address, AwsSource, BearerToken, Buffer, BundleSource, Credentials, Decision, DecisionPath, Grant,
    Host as _, LogFormat, LogLevel, MinTls, Plan, RegoVersion, Segment,
};
use secrecy::ExposeSecret as _;
use support::{CONFIG, Machine, read, read_with};

fn tcp(host: &str, port: u16) -> Address {
    Address::Tcp {
        host: host.to_owned(),
        port,
    }
}

#[test]
fn defaults_are_opas() {
    let plan = Plan::read(&["-s".to_owned()], &Machine::default()).expect("nothing is enough");
    assert_eq!(plan.server.addresses, [tcp("localhost", 8181)]);
    assert!(plan.server.diagnostic_addresses.is_empty());
    assert_eq!(plan.server.unix_socket_mode, 0o755);
    assert_eq!(plan.server.ready_timeout_seconds, None);
    assert_eq!(
        (
            plan.server.shutdown_grace_seconds,
            plan.server.shutdown_wait_seconds
        ),
        (10, 0)
    );
    assert_eq!(plan.server.min_tls, MinTls::Tls12);
    assert_eq!(
        (plan.logging.level, plan.logging.format),
        (LogLevel::Info, LogFormat::Json)
    );
    assert_eq!(plan.policy.rego, RegoVersion::V1);
    let config = plan.config;
    assert!(config.ext_authz.is_none() && config.decision_logs.is_none() && config.status.is_none());
    assert_eq!(config.default_decision.entrypoint(), "system/main");
    assert_eq!(config.persistence_directory, ".opa");
    assert!(!config.nd_builtin_cache);

    let plan = read("plugins: {envoy_ext_authz_grpc: }\nservices: {a: {url: 'https://a/'}}\nbundles: {b/c: {}}\ndecision_logs:")
        .expect("defaults");
    let plugin = plan.config.ext_authz.expect("a plugin");
    assert_eq!(plugin.address, tcp("", 9191));
    assert_eq!(plugin.decision.path().entrypoint(), "envoy/authz/allow");
    assert_eq!(
        (plugin.max_received_bytes, plugin.max_sent_bytes),
        (4 << 20, (1 << 31) - 1)
    );
    assert_eq!(plugin.duration_buckets_seconds.len(), 11);
    let service = plan.config.services.get("a").expect("a service");
    assert_eq!(
        (service.url.as_str(), service.response_header_timeout_seconds),
        ("https://a", 10)
    );
    let bundle = plan.config.bundles.get("b/c").expect("a bundle");
    let source = BundleSource::Service {
        service: "a".to_owned(),
        resource: "bundles/b/c".to_owned(),
    };
    assert_eq!(bundle.source, source);
    assert_eq!(
        (bundle.polling.min_delay_seconds, bundle.polling.max_delay_seconds),
        (60, 120)
    );
    assert_eq!(
        (bundle.size_limit_bytes, bundle.signing.is_none()),
        (1 << 30, true)
    );
    let logs = plan.config.decision_logs.expect("named is on");
    assert!(!logs.immediate);
    assert_eq!(
        (logs.service.as_deref(), logs.resource.as_str()),
        (Some("a"), "/logs")
    );
    assert_eq!((logs.min_delay_seconds, logs.max_delay_seconds), (300, 600));
    assert_eq!(
        (logs.buffer, logs.upload_size_limit_bytes),
        (Buffer::Size { limit_bytes: None }, 32_768)
    );
    assert_eq!(logs.mask_decision.entrypoint(), "system/log/mask");
    assert_eq!(logs.drop_decision.entrypoint(), "system/log/drop");
}

#[test]
fn v0_listens_everywhere_as_opa_did() {
    let plan = read_with(&["--v0-compatible"], "").expect("a plan");
    assert_eq!(
        (plan.policy.rego, plan.server.addresses),
        (RegoVersion::V0, vec![tcp("", 8181)])
    );
    let plan = read_with(&["--v0-compatible", "--v1-compatible"], "").expect("a plan");
    assert_eq!(
        (plan.policy.rego, plan.server.addresses),
        (RegoVersion::V1, vec![tcp("localhost", 8181)])
    );
}

#[test]
fn flags_are_taken_in_every_form_that_pflag_has() {
    let args = [
        "a.b:/data.json",
        "-sbl=debug",
        "--addr",
        ":1,unix:///x y",
        "-a\":2\",\"unix://@z\"",
        "--h2c=T",
        "--watch=0",
        "--ready-timeout=0x10",
        "--shutdown-grace-period",
        "-1",
        "--ignore=.*",
        "--ignore",
        "a,\"b,c\"",
        "--log-format=json",
        "--log-format=text",
        "file:///p.rego",
        "--",
        "-odd",
        "--set=x",
    ];
    let plan = Plan::read(&args.map(str::to_owned), &Machine::default()).expect("a plan");
    let addresses: Vec<String> = plan.server.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, [":1", "unix:///x y", ":2", "unix://@z"]);
    assert!(plan.server.h2c && plan.policy.as_bundles && !plan.policy.watch);
    assert_eq!(
        (
            plan.server.ready_timeout_seconds,
            plan.server.shutdown_grace_seconds
        ),
        (Some(16), 0)
    );
    assert_eq!(plan.policy.ignore, [".*", "a", "b,c"]);
    assert_eq!(
        (plan.logging.level, plan.logging.format),
        (LogLevel::Debug, LogFormat::Text)
    );
    let paths: Vec<(String, &str)> = plan
        .policy
        .paths
        .iter()
        .map(|path| (path.prefix.join("."), path.path.as_str()))
        .collect();
    let expected = [
        ("a.b", "/data.json"),
        ("", "/p.rego"),
        ("", "-odd"),
        ("", "--set=x"),
    ];
    assert_eq!(paths, expected.map(|(prefix, path)| (prefix.to_owned(), path)));
}

#[test]
fn the_environment_stands_for_flags_that_are_not_given() {
    let mut machine = Machine::default();
    for (name, value) in [
        ("OPA_RUN_SERVER", "true"),
        ("OPA_RUN_ADDR", ":1,:2"),
        ("OPA_RUN_LOG_LEVEL", "error"),
        ("OPA_RUN_WATCH", ""),
    ] {
        machine.variables.insert(name.to_owned(), value.to_owned());
    }
    let plan = Plan::read(&["--log-level=info".to_owned()], &machine).expect("a plan");
    assert_eq!(plan.server.addresses, [tcp("", 1), tcp("", 2)]);
    assert_eq!((plan.logging.level, plan.policy.watch), (LogLevel::Info, false));
}

#[test]
fn set_file_goes_over_set_and_set_over_the_file() {
    let mut machine = Machine::with_config("labels: {a: file, b: file, c: file, d: '${D}', e: '${E}'}");
    machine
        .files
        .insert("/c".to_owned(), "  from\na file \n".to_owned());
    machine.variables.insert("D".to_owned(), "env".to_owned());
    let args = [
        "-s",
        "-c",
        CONFIG,
        "--set-file=labels.c=/c",
        "--set=labels.b=set,labels.c=set,labels.d=${D}x",
    ];
    let plan = Plan::read(&args.map(str::to_owned), &machine).expect("a plan");
    let labels: Vec<(&str, &str)> = plan
        .config
        .labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        labels,
        [
            ("a", "file"),
            ("b", "set"),
            ("c", "from\na file"),
            ("d", "envx"),
            ("e", "${E}")
        ]
    );
}

#[test]
fn set_has_helms_syntax() {
    let cases = [
        ("labels.a=b,labels.c=d", "{\"a\": \"b\", \"c\": \"d\"}"),
        (r"labels.a\.b=x\,y", "{\"a.b\": \"x,y\"}"),
        ("labels.a=", "{\"a\": \"\"}"),
        ("labels.a=007", "{\"a\": \"007\"}"),
        ("labels.a=x=y", "{\"a\": \"x=y\"}"),
        ("labels.a=1.5", "{\"a\": \"1.5\"}"),
        ("labels=null,labels.a=b", "{\"a\": \"b\"}"),
    ];
    for (set, labels) in cases {
        let plan = read_with(&["--set", set], "").expect(set);
        assert_eq!(format!("{:?}", plan.config.labels), labels, "{set}");
    }
    let set = r"services[0].name=a,services[0].url=https://a,plugins.envoy\.ext_authz\.grpc.grpc-request-duration-seconds-buckets={1,2},decision_logs.console=TRUE";
    let plan = read_with(&["--set", set], "").expect("a plan");
    assert_eq!(plan.config.services.len(), 1);
    assert_eq!(
        plan.config
            .ext_authz
            .map(|plugin| plugin.duration_buckets_seconds),
        Some(vec![1.0, 2.0])
    );
    assert!(plan.config.decision_logs.is_some_and(|logs| logs.console));
}

#[test]
fn variables_are_put_in_before_yaml_is_read() {
    let mut machine = Machine::with_config(
        "${MORE}\nlabels: {a: ${A}, b: '${}x', c: '${NOT SET', d: '${${A}}'}\nplugins: {x: {}}",
    );
    machine.variables.insert(
        "MORE".to_owned(),
        "nd_builtin_cache: true\nstatus: {console: true}".to_owned(),
    );
    machine.variables.insert("A".to_owned(), "\"7\"".to_owned());
    let args = ["-s", "-c", CONFIG].map(str::to_owned);
    // Lines are those of the file, not of what came of it.
    let error = Plan::read(&args, &machine).expect_err("another plugin");
    assert!(
        error.to_string().starts_with("opa.yaml:3: plugins.x: "),
        "{error}"
    );
    let text = machine.files[CONFIG].replace("plugins: {x: {}}", "");
    machine.files.insert(CONFIG.to_owned(), text);
    let config = Plan::read(&args, &machine).expect("a plan").config;
    assert!(config.nd_builtin_cache && config.status.is_some());
    assert_eq!(config.labels["a"], "7");
    assert_eq!(config.labels["b"], "x");
    assert_eq!(config.labels["c"], "${NOT SET");
    assert_eq!(config.labels["d"], "${${A}}");
}

#[test]
fn paths_are_read_as_each_part_of_opa_does() {
    let text = |text: &str| Segment::Text(text.to_owned());
    let of = |path: DecisionPath| path.segments;
    assert_eq!(
        of(DecisionPath::of_plugin("/a//b-c/0/-1/+07/1.0/")),
        [
            text("a"),
            text("b-c"),
            Segment::Number(0),
            Segment::Number(-1),
            Segment::Number(7),
            text("1.0"),
        ]
    );
    assert_eq!(of(DecisionPath::of_plugin("/")), []);
    assert_eq!(
        of(DecisionPath::of_plugin("99999999999999999999")),
        [text("99999999999999999999")]
    );
    assert_eq!(
        of(DecisionPath::of_opa("a//b/0/-1/1.0/1.5")),
        [
            text("a"),
            text(""),
            text("b"),
            Segment::Number(0),
            text("-1"),
            Segment::Number(1),
            text("1.5"),
        ]
    );
    assert_eq!(of(DecisionPath::of_opa("/")), []);
    assert_eq!(of(DecisionPath::of_opa("/a/")), [text("a"), text("")]);
    let query = |query| DecisionPath::of_query(query).map(|path| path.segments);
    assert_eq!(
        query(" data.a_1[\"b-c\"][0].d "),
        Some(vec![text("a_1"), text("b-c"), Segment::Number(0), text("d")])
    );
    assert_eq!(query("data"), Some(vec![]));
    for wrong in [
        "",
        "x",
        "data.",
        "data.1",
        "datax",
        "data.a b",
        "data[x]",
        "data[\"a\\n\"]",
        "data.a = true",
        "data.a[01]",
        "data.import",
    ] {
        assert_eq!(query(wrong), None, "{wrong}");
    }
}

#[test]
fn a_query_that_is_a_reference_is_a_decision_with_its_own_name() {
    let plan = read("plugins: {envoy_ext_authz_grpc: {query: data.a.b, path: ''}}").expect("a plan");
    let decision = plan.config.ext_authz.expect("a plugin").decision;
    assert!(
        matches!(&decision, Decision::Query(path) if path.written == "data.a.b" && path.entrypoint() == "a/b")
    );
}

#[test]
fn credentials_become_what_they_say() {
    let plan = read(include_str!("configs/accepted/oauth2.yaml")).expect("a plan");
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

    let plan = read(include_str!("configs/accepted/discovery.yaml")).expect("a plan");
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

    let plan = read(include_str!("configs/accepted/s3.yaml")).expect("a plan");
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

#[test]
fn a_bundles_url_is_short_for_its_configuration() {
    let plan = read(include_str!("configs/accepted/remote_bundle.yaml")).map(drop);
    assert!(plan.is_ok());
    let plan = read_with(&["https://a.example.com/b/c.tar.gz?v=1"], "").expect("a plan");
    let bundle = &plan.config.bundles["cli1"];
    assert!(bundle.persist && plan.policy.paths.is_empty());
    let source = BundleSource::Service {
        service: "cli1".to_owned(),
        resource: "/b/c.tar.gz?v=1".to_owned(),
    };
    assert_eq!(bundle.source, source);
    assert_eq!(plan.config.services["cli1"].url, "https://a.example.com");
}

#[test]
fn what_is_configured_here_goes_over_what_discovery_brings() {
    let boot = "services: {a: {url: 'https://a'}}\nlabels: {x: here}\ndiscovery: {resource: d}\nserver: {encoding: {}}";
    let plan = read(boot).expect("a plan");
    let json = r#"{"labels": {"x": "there", "y": "there"}, "services": {"b": {"url": "https://b"}}, "bundles": {"m": {"service": "b"}}, "typo": 1}"#;
    let found = plan
        .discovered(json, &Machine::default())
        .expect("a configuration");
    assert_eq!(found.config.labels["x"], "here");
    assert_eq!(found.config.labels["y"], "there");
    assert!(found.config.bundles.contains_key("m") && found.config.discovery.is_some());
    let named: Vec<&str> = found
        .not_honoured
        .iter()
        .map(|notice| notice.key.as_str())
        .collect();
    assert_eq!(named, ["typo"]);
    let other = r#"{"services": {"a": {"url": "https://elsewhere"}}}"#;
    let error = plan
        .discovered(other, &Machine::default())
        .expect_err("another service");
    assert!(
        error.to_string().starts_with("discovery:1: services.a: "),
        "{error}"
    );
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = "{a: ".repeat(40) + &"}".repeat(40);
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]";
    let long = "a".repeat(1 << 20) + ": b";
    let wide = "- x\n".repeat(30_000);
    for (config, said) in [
        (deep.as_str(), "levels"),
        (bomb, "values"),
        (&long, "bytes"),
        (&format!("a:\n{wide}"), "values"),
    ] {
        let error = read(config).map(drop).expect_err(said);
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn logs_and_status_that_have_nowhere_to_go_are_off() {
    let config = read("decision_logs: {}\nstatus: {}").expect("a plan").config;
    assert!(config.decision_logs.is_none() && config.status.is_none());
    let config = read(include_str!("configs/accepted/logs.yaml"))
        .expect("a plan")
        .config;
    let logs = config.decision_logs.expect("there is a service");
    assert_eq!(
        (
            logs.immediate,
            logs.resource.as_str(),
            logs.upload_size_limit_bytes
        ),
        (true, "/logs/eu", 90)
    );
    assert_eq!(logs.buffer, Buffer::Event { limit_events: 500 });
    let status = config.status.expect("it is shown");
    assert_eq!(status.service, None);
    assert_eq!(status.bundle_loading_buckets_ns, Some(vec![1.0, 1e3, 1e4, 1e8]));
}

#[test]
fn what_is_shown_is_what_was_written_without_its_secrets() {
    let config = "services: [{name: a, url: 'https://a', Credentials: {bearer: {token: hunter2}}}]\nkeys: {k: {key: hunter2, Private_Key: hunter2, scope: s}}\nlabels: {id: x, app: y}\nbundles: {b: {resource: c, polling: {min_delay_seconds: 1e1, max_delay_seconds: 0x10}}}\nextra: [1.5, ~, yes]\ndefault_decision: ~";
    let shown = read(config).expect("a plan").active("i", "v");
    let expected = serde_json::json!({
        "services": [{"name": "a", "url": "https://a"}],
        "keys": {"k": {"scope": "s"}},
        "labels": {"id": "i", "version": "v", "app": "y"},
        "bundles": {"b": {"resource": "c", "polling": {"min_delay_seconds": 10, "max_delay_seconds": 16}}},
        "extra": [1.5, null, "yes"],
        "default_decision": "/system/main",
        "default_authorization_decision": "/system/authz/allow",
    });
    assert_eq!(shown, expected);
}

#[test]
fn words_of_yaml_mean_what_they_mean_to_the_plugin() {
    // Asked of the plugin itself, by `GET /v1/config`.
    let words = [
        ("0o17", "15"),
        ("017", "15"),
        ("08", "8"),
        ("0x1F", "31"),
        ("0b101", "5"),
        ("1_000", "1000"),
        ("1__0", "10"),
        ("1e3", "1000"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+1", "1"),
        ("-0", "0"),
        ("-0x10", "-16"),
        ("-1.5e-3", "-0.0015"),
        ("12:30", "\"12:30\""),
        ("2023-01-01", "\"2023-01-01\""),
        ("1e400", "\"1e400\""),
        ("0x", "\"0x\""),
        ("_1", "\"_1\""),
        ("~", "null"),
        ("TRUE", "true"),
        ("tRUE", "\"tRUE\""),
        ("'1'", "\"1\""),
        ("!!str 5", "\"5\""),
        ("!!int \"5\"", "5"),
        ("!!bool 'true'", "true"),
        ("9007199254740993", "9007199254740992"),
        (".", "\".\""),
        ("1e", "\"1e\""),
        ("1.2.3", "\"1.2.3\""),
        (
            "{0x10: a, 017: b, 1.5: c, true: d}",
            r#"{"1.5":"c","15":"b","16":"a","true":"d"}"#,
        ),
    ];
    for (word, json) in words {
        let shown = read(&format!("extra: {word}")).expect(word).active("", "");
        assert_eq!(shown["extra"].to_string(), json, "{word}");
    }
}
