//! `postern check`: asks the sidecar what it would decide, with the message that Envoy sends. Never touches the upstream.

mod ask;
mod verdict;

use anyhow::Context as _;
use clap::builder::NonEmptyStringValueParser;

use crate::{
    commands::token::read_token,
    control_plane::innermost,
    exit::Exit,
    output::{self, OutputArgs},
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
    postern check -X POST http://shop.example/orders --token - < token.txt\n  \
    postern check /orders -H 'accept: text/html' --sidecar unix:/run/postern/ext_authz.sock -o json"
)]
pub struct CheckArgs {
    /// What is asked for: a path with its query, or a URL, whose host is then the request's.
    #[arg(value_name = "PATH|URL", value_parser = NonEmptyStringValueParser::new())]
    pub path: String,
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
    let mut headers = args.headers.clone();
    if let Some(token) = &args.token {
        headers.push((
            "authorization".to_owned(),
            format!("Bearer {}", read_token(token)?),
        ));
    }
    let question = ask::Question::new(&args.method, &args.path, args.host.as_deref(), headers)?;
    let mut client = ask::connect(&sidecar).await?;
    let answer = client.check(question.into_request()).await.map_err(|status| {
        anyhow::anyhow!("the sidecar at {sidecar} did not answer: {}", innermost(&status))
    })?;
    let verdict = Verdict::from(answer.into_inner());
    output::print(args.output.output, &verdict)?;
    Ok(if verdict.allowed { Exit::Yes } else { Exit::No })
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
