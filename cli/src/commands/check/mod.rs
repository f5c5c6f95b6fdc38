//! `postern check`: asks the sidecar what it would decide, with the message that Envoy sends. Never touches the upstream.

mod ask;
mod json;
mod verdict;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::builder::NonEmptyStringValueParser;

use crate::{
    commands::{
        explain::{self, Explanation},
        token::read_token,
    },
    exit::Exit,
    output::{self, OutputArgs},
    sidecar_admin::AdminArgs,
    target::{DataDirArgs, DevFile},
};
use verdict::Verdict;

/// `postern check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits 0 when the request would be allowed, 1 when denied, 2 when the sidecar can't be asked.\n\n\
    Examples:\n  \
    postern check /orders                                   # no token: denied\n  \
    postern check /orders --token \"$TOKEN\"\n  \
    postern check -X POST --url http://shop.example/orders --token - < token.txt\n  \
    postern check /orders -H 'accept: text/html' --sidecar unix:/run/postern/ext_authz.sock -o json\n  \
    postern check --request check.json                      # a CheckRequest in protobuf's JSON; prints the CheckResponse"
)]
pub struct CheckArgs {
    /// What is asked for: a path with its query, or a URL, whose host is then the request's.
    #[arg(
        value_name = "PATH|URL",
        value_parser = NonEmptyStringValueParser::new(),
        required_unless_present_any = ["url", "request"]
    )]
    pub path: Option<String>,
    /// The same, as an option.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "path")]
    pub url: Option<String>,
    /// A file with a whole `CheckRequest` in protobuf's JSON, or `-` for standard input; the `CheckResponse` is printed in
    /// the same form.
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["path", "url", "method", "host", "headers", "token"])]
    pub request: Option<PathBuf>,
    /// The method.
    #[arg(short = 'X', long, default_value = "GET")]
    pub method: String,
    /// The host [default: the URL's, or localhost].
    #[arg(long)]
    pub host: Option<String>,
    /// A header; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE", value_parser = parse_header)]
    pub headers: Vec<(String, String)>,
    /// The bearer token, or `-` to read it from standard input.
    #[arg(long, value_name = "TOKEN|-")]
    pub token: Option<String>,
    /// Where the sidecar answers Envoy: unix:PATH or HOST:PORT [default: from dev.json].
    #[arg(long, value_name = "ADDRESS")]
    pub sidecar: Option<String>,
    #[command(flatten)]
    pub admin: AdminArgs,
    #[command(flatten)]
    pub dev: DataDirArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Asks, prints the answer, and exits by it.
pub async fn run(args: CheckArgs) -> anyhow::Result<Exit> {
    let sidecar = match &args.sidecar {
        Some(sidecar) => sidecar.clone(),
        None => {
            DevFile::read(&args.dev.data_dir)
                .context("no --sidecar was given")?
                .sidecar_ext_authz
        }
    };
    if let Some(file) = &args.request {
        return replay(&sidecar, file).await;
    }
    let mut headers = args.headers.clone();
    if let Some(token) = &args.token {
        headers.push((
            "authorization".to_owned(),
            format!("Bearer {}", read_token(token)?),
        ));
    }
    let target = args.path.or(args.url).unwrap_or_default();
    let question = ask::Question::new(&args.method, &target, args.host.as_deref(), headers)?;
    let mut verdict = Verdict::from(ask::ask(&sidecar, question.into_request()).await?);
    verdict.explanation = explained(&args.admin, &args.sidecar, &args.dev, &verdict.decision_id).await?;
    output::print(args.output.output, &verdict)?;
    Ok(exit(verdict.allowed))
}

/// The stages of the decision, where the sidecar's admin is known and still knows it.
async fn explained(
    admin: &AdminArgs,
    sidecar: &Option<String>,
    dev: &DataDirArgs,
    decision_id: &Option<String>,
) -> anyhow::Result<Option<Explanation>> {
    // The admin in dev.json is that of the sidecar in dev.json.
    let Some(id) = decision_id
        .as_ref()
        .filter(|_| admin.sidecar_admin.is_some() || sidecar.is_none())
    else {
        return Ok(None);
    };
    explain::of(&admin.url(&dev.data_dir)?, id).await
}

/// Sends a request that was kept, and prints the response as it came.
async fn replay(sidecar: &str, file: &Path) -> anyhow::Result<Exit> {
    let request = json::request(&read(file)?).with_context(|| format!("{}", file.display()))?;
    let response = ask::ask(sidecar, request).await?;
    output::line(&json::response(&response)?)?;
    Ok(exit(Verdict::from(response).allowed))
}

fn exit(allowed: bool) -> Exit {
    if allowed { Exit::Yes } else { Exit::No }
}

fn read(file: &Path) -> anyhow::Result<String> {
    let named = || format!("{}", file.display());
    let source: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(named)?)
    };
    let mut text = String::new();
    let read = source
        .take(json::MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(named)?;
    if read as u64 > json::MAX_FILE_BYTES {
        bail!("{}: more than {} MiB", file.display(), json::MAX_FILE_BYTES >> 20);
    }
    Ok(text)
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    let expected = || format!("expected `name: value`, got `{text}`");
    let (name, value) = text.split_once(':').ok_or_else(expected)?;
    let name = name.trim().to_ascii_lowercase();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(expected());
    }
    Ok((name, value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_split_at_its_first_colon_and_lower_cased() {
        assert_eq!(
            parse_header("X-Time: 10:30").unwrap(),
            ("x-time".into(), "10:30".into())
        );
        assert_eq!(parse_header("accept:").unwrap(), ("accept".into(), String::new()));
    }

    #[test]
    fn what_is_no_header_is_refused_with_the_form_expected() {
        for wrong in ["accept", ": x", "two words: x", ""] {
            assert!(
                parse_header(wrong)
                    .unwrap_err()
                    .contains("expected `name: value`"),
                "{wrong}"
            );
        }
    }
}
