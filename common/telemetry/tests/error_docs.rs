//! docs/errors.md is written from the enum; `UPDATE_DOCS=1 cargo test -p postern-telemetry` rewrites it.
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

use std::fmt::Write as _;
use std::path::Path;

use postern_telemetry::Code;

const HEAD: &str = "\
<!-- Generated from common/telemetry/src/code.rs. To change it, change that and run
     UPDATE_DOCS=1 cargo test -p postern-telemetry -->
# Error codes

Every error of Postern has a stable code, the same on every surface:

- **HTTP** answers are `application/problem+json` (RFC 9457) with `type` (`urn:postern:error:<code>`), `title`, `status`,
  `detail`, `code` and `correlation_id`; with `errors` (`field`, `description`) where fields are wrong, and `Retry-After`
  where waiting helps. OAuth endpoints answer as RFC 6749 §5.2 says.
- **gRPC** statuses carry google.rpc details: `ErrorInfo` (`reason` is the code in upper case, `domain` is `postern`),
  `RequestInfo` (the correlation id), `BadRequest`, `RetryInfo`.
- **Log lines** have the code and the cause, under the same correlation id.

Why a token was refused stands in the log only: callers read `invalid_token` for every `token_…` code but `token_expired`.
Names never change their meaning; new ones are added.

| code | HTTP | gRPC | meaning | what to do |
|---|---|---|---|---|
";

fn rendered() -> String {
    let mut page = HEAD.to_owned();
    for code in Code::ALL {
        writeln!(
            page,
            "| `{code}` | {} | {} | {} | {} |",
            code.http_status(),
            code.grpc_name(),
            code.meaning(),
            code.remedy()
        )
        .expect("a string takes all");
    }
    page
}

#[test]
fn the_error_page_says_what_the_code_does() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, rendered()).expect("docs/errors.md can be written");
    }
    let written = std::fs::read_to_string(&page).expect("docs/errors.md is there");
    assert!(
        written == rendered(),
        "docs/errors.md is out of date: UPDATE_DOCS=1 cargo test -p postern-telemetry"
    );
}

#[test]
fn each_code_is_explained_in_words_that_fit_into_a_table() {
    for code in Code::ALL {
        for text in [code.title(), code.meaning(), code.remedy()] {
            assert!(
                !text.is_empty() && !text.contains(['|', '\n']),
                "{code}: {text:?}"
            );
        }
    }
}
