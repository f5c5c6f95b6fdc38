//! What opa-envoy-plugin answers, the sidecar answers: the golden cases, whose answers the plugin itself gave.

use std::fmt::Write as _;

use postern_e2e::opa_envoy::golden::Case;
use postern_e2e::stack::{binary, root};

#[tokio::test]
async fn golden_cases_are_answered_and_logged_as_the_plugin_did() {
    let sidecar = binary("postern-sidecar");
    let cases = Case::all(&root().join("e2e/golden")).unwrap();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let wanted = [case.wanted().unwrap(), case.wanted_event().unwrap()];
        match case.answer_and_event(&sidecar).await {
            Err(error) => writeln!(wrong, "{}: {error:#}", case.name()).unwrap(),
            Ok((answer, event)) => {
                for (wanted, got) in wanted.into_iter().zip([answer, event]) {
                    if wanted != got {
                        writeln!(wrong, "{}:\n  wanted {wanted}\n  got    {got}", case.name()).unwrap();
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
