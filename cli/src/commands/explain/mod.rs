//! `postern explain`: why a sidecar decided as it did. Asks the sidecar's memory of its last decisions; changes nothing.

mod explanation;

use clap::builder::NonEmptyStringValueParser;

use crate::{
    exit::Exit,
    output::{self, OutputArgs},
    sidecar_admin::{self, AdminArgs},
    target::DataDirArgs,
};
pub use explanation::Explanation;

/// `postern explain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A refusal names its decision: `decision_id` in its body, `x-postern-decision-id` among its headers. The \
    upstream of an allowed request gets the same header.\n\n\
    Exits 0 when the decision is known, 1 when it isn't, 2 when the sidecar can't be asked.\n\n\
    Examples:\n  \
    postern explain 6f1c2c1e-4d0b-4a6e-9a43-0d3c5b0e8f11\n  \
    postern explain \"$REQUEST_ID\" --sidecar-admin http://127.0.0.1:9192 -o json"
)]
pub struct ExplainArgs {
    /// A decision id, or the request's `x-request-id`.
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    id: String,
    #[command(flatten)]
    admin: AdminArgs,
    #[command(flatten)]
    dev: DataDirArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Asks and prints.
pub async fn run(args: ExplainArgs) -> anyhow::Result<Exit> {
    let admin = args.admin.url(&args.dev.data_dir)?;
    if let Some(explanation) = of(&admin, &args.id).await? {
        output::print(args.output.output, &explanation)?;
        return Ok(Exit::Yes);
    }
    output::note(&format!(
        "the sidecar at {admin} doesn't know `{}`: another sidecar decided, or so many decisions ago that it was forgotten \
         (`decisions.keep` in its configuration); its log may have it",
        args.id
    ));
    Ok(Exit::No)
}

/// What the sidecar remembers of one decision.
///
/// # Errors
/// When it can't be asked.
pub async fn of(admin: &str, id: &str) -> anyhow::Result<Option<Explanation>> {
    // An id of another form can't be one, and must not become another path.
    let plain = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !plain {
        return Ok(None);
    }
    let answer = sidecar_admin::get(admin, &format!("/decisions/{id}")).await?;
    let Some(explanation) = answer.map(Explanation::read).transpose()? else {
        return Ok(None);
    };
    // Where a candidate was compared on this very decision and differed, that is part of the story.
    let told = sidecar_admin::get(admin, "/candidate?limit=1000").await?;
    Ok(Some(explanation.beside_candidate(told)))
}
