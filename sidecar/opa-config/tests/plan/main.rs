//! What a plan says: OPA's defaults, its order of precedence, and what flags and keys become.

mod command_line;
mod credentials;
mod discovered;
#[path = "../support/mod.rs"]
mod support;

use postern_opa_config::{
    Address, Buffer, BundleSource, Decision, DecisionPath, LogFormat, LogLevel, MinTls, Plan, RegoVersion,
    Segment,
};
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
fn a_bundles_url_is_short_for_its_configuration() {
    let plan = read(include_str!("../configs/accepted/remote_bundle.yaml")).map(drop);
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
    let config = read(include_str!("../configs/accepted/logs.yaml"))
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
