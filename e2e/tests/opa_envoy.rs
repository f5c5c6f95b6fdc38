//! What opa-envoy-plugin answers, the sidecar answers: the golden cases, whose answers the plugin itself gave.

use std::fmt::Write as _;

use postern_e2e::opa_envoy::golden::Case;
use postern_e2e::stack::{binary, root};

#[tokio::test]
async fn golden_cases_are_answered_as_the_plugin_answered_them() {
    let sidecar = binary("postern-sidecar");
    let cases = Case::all(&root().join("e2e/golden")).unwrap();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let wanted = case.wanted().unwrap();
        match case.answer(&sidecar).await {
            Ok(got) if got == wanted => {}
            Ok(got) => writeln!(wrong, "{}:\n  wanted {wanted}\n  got    {got}", case.name()).unwrap(),
            Err(error) => writeln!(wrong, "{}: {error:#}", case.name()).unwrap(),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
