//! What flags say, and what is put over what.

use postern_opa_config::{LogFormat, LogLevel, Plan};

use super::support::{CONFIG, Machine, read_with};
use super::tcp;

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
