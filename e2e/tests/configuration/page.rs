//! The page: a table for each program, a key a line.

use std::fmt::Write as _;

use crate::keys::Key;

const HEAD: &str = "\
<!-- Generated from sidecar/src/config/, control-plane/server/src/config.rs and what they use. To change it, change the
     comments there and run UPDATE_DOCS=1 cargo test -p postern-e2e --test configuration -->
# Every key of the configuration

Both programs read one YAML file, `--config FILE`, and nothing from the environment but `POSTERN_LOG`. A key that isn't here, a
value of another type or out of bounds stops the start with exit code 2 and one line: file, line, key, what was expected. A running
sidecar refuses such a file as a whole and serves on. `postern-sidecar --config FILE check-config` says it beforehand.

A dot leads into a section, `[]` means each item of a list. *Required* keys are so where the section is there. An *address*
to listen on is `unix:/path` or `address:port`, with a numeric address; an *algorithm* is one of ES256, ES384, ES512, EdDSA,
RS256, RS384, RS512, PS256, PS384 and PS512. Relative paths start from the folder of the file. Units stand at the end of names or in
the text. The codes that callers get are those of [errors.md](errors.md).
";

const TABLE: &str = "\n| key | holds | default | meaning | bounds | code |\n|---|---|---|---|---|---|\n";

/// The whole page.
pub(crate) fn rendered(sidecar: &[Key], control_plane: &[Key]) -> String {
    let mut page = HEAD.to_owned();
    let programs = [
        (
            "The sidecar",
            "See [sidecar.md](sidecar.md) and [routes.md](routes.md) for how they work together.",
            sidecar,
        ),
        (
            "The control plane",
            "See [control-plane.md](control-plane.md).",
            control_plane,
        ),
    ];
    for (title, see, keys) in programs {
        let _ = write!(page, "\n## {title}\n{see}\n{TABLE}");
        for key in keys {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} | {} | {} |",
                key.path,
                key.kind,
                default(key),
                key.meaning,
                key.bounds
                    .map_or_else(String::new, |(least, most)| format!("{least} to {most}")),
                key.codes
                    .iter()
                    .map(|code| format!("`{code}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
        }
    }
    page
}

fn default(key: &Key) -> String {
    match &key.default {
        Some(default) => default.clone(),
        None if key.required => "*required*".to_owned(),
        None => String::new(),
    }
}
