//! The examples do what they say. Each is run here by the functions that its `main` calls.

#[expect(dead_code, reason = "`main` is for `cargo run --example`")]
#[path = "../examples/document.rs"]
mod document;
#[expect(dead_code, reason = "as above")]
#[path = "../examples/evaluate.rs"]
mod evaluate;
#[expect(dead_code, reason = "as above")]
#[path = "../examples/host_builtin.rs"]
mod host_builtin;
#[expect(dead_code, reason = "as above")]
#[path = "../examples/print_and_limits.rs"]
mod print_and_limits;

use std::path::Path;

#[test]
fn a_plan_is_evaluated_with_data_and_input_from_files() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policies");
    let file = |name: &str| policies.join(name);
    let answer = |entrypoint| {
        evaluate::evaluate(
            &file("orders.plan.json"),
            entrypoint,
            &file("orders.data.json"),
            &file("orders.input.json"),
            0,
        )
    };
    let decision = answer("orders/decision").unwrap().unwrap();
    assert_eq!(decision.to_json(), r#"{"allowed":true}"#);
    let error = answer("orders/decisions").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no entrypoint orders/decisions; there are: orders/decision"
    );
}

#[test]
fn a_builtin_that_the_host_lacks_refuses_the_policy_and_one_that_it_has_is_called() {
    assert_eq!(
        host_builtin::refusal().unwrap().to_string(),
        "unknown builtin function `net.lookup_ip_addr`: neither this machine nor its host has it"
    );
    assert!(host_builtin::is_inside("orders.internal").unwrap());
    assert!(!host_builtin::is_inside("example.org").unwrap());
    assert!(!host_builtin::is_inside("nowhere").unwrap());
}

#[test]
fn of_an_input_that_is_made_on_demand_only_what_is_looked_at_is_made() {
    assert_eq!(document::ask("/health").unwrap(), (true, 0));
    assert_eq!(document::ask("/orders").unwrap(), (true, 1));
}

#[test]
fn what_is_printed_before_a_limit_is_printed() {
    let search = print_and_limits::search(1_000_000).unwrap();
    assert_eq!(
        search.outcome.unwrap(),
        r#"[{"result":[[1,36],[2,18],[3,12],[4,9],[6,6]]}]"#
    );
    let all = [
        "found 1 and 36",
        "found 2 and 18",
        "found 3 and 12",
        "found 4 and 9",
        "found 6 and 6",
    ];
    assert_eq!(search.printed, all);

    let search = print_and_limits::search(500).unwrap();
    assert_eq!(search.outcome.unwrap_err().code(), "eval_cancel_error");
    let printed = search.printed.len();
    assert!(0 < printed && printed < all.len(), "{printed}");
}
