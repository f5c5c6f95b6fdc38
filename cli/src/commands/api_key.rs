//! `postern api-key`: keys that applications present instead of a token. A key is shown once, when it is made.

use clap::Subcommand;
use postern_proto::identity::v1::{
    ApiKey, CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest,
    session_identity_service_client::SessionIdentityServiceClient,
};
use serde::Serialize;
use tonic::Code;

use crate::{
    clock,
    control_plane::{self, TargetArgs},
    exit::Exit,
    output::{self, Format, OutputArgs, Printed},
    time_text::utc,
    when,
};

/// A page of the listing; the service allows a thousand.
const PAGE_SIZE: u32 = 1_000;

/// `postern api-key …`.
#[derive(Debug, clap::Args)]
pub struct ApiKeyArgs {
    #[command(subcommand)]
    command: ApiKeyCommand,
}

#[derive(Debug, Subcommand)]
enum ApiKeyCommand {
    /// Make an API key and print it, this once.
    #[command(
        after_help = "Standard output has the key alone; what is known of it goes to standard error.\n\n\
        Examples:\n  \
        postern api-key create --subject nightly-batch --scope orders:read --expires-in 90d\n  \
        KEY=$(postern api-key create --subject nightly-batch)\n  \
        postern api-key create --subject nightly-batch -o json | jq -r .key"
    )]
    Create(CreateArgs),
    /// List the API keys that weren't revoked.
    #[command(
        after_help = "Examples:\n  postern api-key list\n  postern api-key list -o json | jq -r '.[].id'"
    )]
    List(ListArgs),
    /// Revoke an API key for good.
    #[command(after_help = "Exits 0, or, where there is no such key, 1.\n\n\
        Example:\n  postern api-key revoke 1f2e3d4c5b6a7980")]
    Revoke(RevokeArgs),
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// Whom the key stands for: what policy and the upstream see as the subject.
    #[arg(long, value_name = "TEXT")]
    subject: String,
    /// What people call it [default: the subject].
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// What it may be used for; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How long it lives: 12h, 90d [default: until it is revoked].
    #[arg(long, value_name = "SPAN", value_parser = when::span)]
    expires_in: Option<i64>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
struct RevokeArgs {
    /// The key's id: the middle of `postern_key_<id>_…`, as `list` shows it.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    target: TargetArgs,
}

/// Runs `postern api-key …`.
pub async fn run(args: ApiKeyArgs) -> anyhow::Result<Exit> {
    match args.command {
        ApiKeyCommand::Create(args) => create(args).await,
        ApiKeyCommand::List(args) => list(&args).await,
        ApiKeyCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: CreateArgs) -> anyhow::Result<Exit> {
    let now = clock::now().0;
    let request = CreateApiKeyRequest {
        name: args.name.unwrap_or_else(|| args.subject.clone()),
        subject: args.subject,
        scopes: args.scopes,
        expires_at: args.expires_in.map_or(0, |seconds| now.saturating_add(seconds)),
    };
    let channel = control_plane::connect(&args.target.target()?).await?;
    let answer = SessionIdentityServiceClient::new(channel)
        .create_api_key(request)
        .await
        .map_err(control_plane::refused)?
        .into_inner();
    let made = Made {
        api_key: answer.api_key.unwrap_or_default().into(),
        key: answer.key,
    };
    output::print(args.output.output, &made)?;
    if args.output.output == Format::Table {
        output::note(&made.note(now));
    }
    Ok(Exit::Yes)
}

async fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let channel = control_plane::connect(&args.target.target()?).await?;
    let mut service = SessionIdentityServiceClient::new(channel);
    let mut keys = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListApiKeysRequest {
            page_size: PAGE_SIZE,
            page_token,
        };
        let page = service.list_api_keys(request).await;
        let page = page.map_err(control_plane::refused)?.into_inner();
        keys.extend(page.api_keys.into_iter().map(Listed::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let now = clock::now().0;
    output::print(args.output.output, &Keys { keys, now })?;
    Ok(Exit::Yes)
}

async fn revoke(args: RevokeArgs) -> anyhow::Result<Exit> {
    let channel = control_plane::connect(&args.target.target()?).await?;
    let request = RevokeApiKeyRequest { id: args.id };
    match SessionIdentityServiceClient::new(channel)
        .revoke_api_key(request)
        .await
    {
        Ok(_) => {
            output::line("revoked; every connected sidecar refuses it within a second")?;
            Ok(Exit::Yes)
        }
        Err(status) if status.code() == Code::NotFound => {
            output::note("no API key has this id: see `postern api-key list`");
            Ok(Exit::No)
        }
        Err(status) => Err(control_plane::refused(status)),
    }
}

/// A key as it is listed.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    subject: String,
    name: String,
    scopes: Vec<String>,
    /// Seconds since the epoch.
    created_at: i64,
    /// Seconds since the epoch; 0: it doesn't expire.
    expires_at: i64,
}

impl From<ApiKey> for Listed {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            subject: key.subject,
            name: key.name,
            scopes: key.scopes,
            created_at: key.created_at,
            expires_at: key.expires_at,
        }
    }
}

impl Listed {
    fn expiry(&self, now: i64) -> String {
        match self.expires_at {
            0 => "never".to_owned(),
            at if at <= now => "expired".to_owned(),
            at => format!("in {}", when::in_words(at.saturating_sub(now))),
        }
    }
}

/// A key that was made, with its text.
#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    api_key: Listed,
    key: String,
}

impl Made {
    fn note(&self, now: i64) -> String {
        format!(
            "this key is shown once, only a hash of it is kept; id {}, scopes {:?}, expires {}; connected sidecars take it \
             within a second, on routes that accept API keys",
            self.api_key.id,
            self.api_key.scopes.join(" "),
            self.api_key.expiry(now),
        )
    }
}

impl Printed for Made {
    fn human(&self) -> String {
        self.key.clone()
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Keys {
    keys: Vec<Listed>,
    #[serde(skip)]
    now: i64,
}

impl Printed for Keys {
    fn human(&self) -> String {
        if self.keys.is_empty() {
            return "no API keys".to_owned();
        }
        let rows = self.keys.iter().map(|key| {
            [
                key.id.clone(),
                key.subject.clone(),
                key.name.clone(),
                key.scopes.join(" "),
                utc(key.created_at),
                key.expiry(self.now),
            ]
        });
        output::table(["ID", "SUBJECT", "NAME", "SCOPES", "MADE AT", "EXPIRES"], rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(expires_at: i64) -> Listed {
        Listed {
            id: "1f2e3d4c5b6a7980".into(),
            subject: "batch".into(),
            name: "Nightly".into(),
            scopes: vec!["orders:read".into(), "orders:list".into()],
            created_at: 0,
            expires_at,
        }
    }

    #[test]
    fn an_empty_list_says_so_to_a_person_and_is_an_empty_array_to_a_program() {
        let none = Keys {
            keys: Vec::new(),
            now: 0,
        };
        assert_eq!(none.human(), "no API keys");
        assert_eq!(serde_json::to_string(&none).unwrap(), "[]");
    }

    #[test]
    fn a_key_is_a_row_that_says_when_it_ends() {
        let keys = Keys {
            keys: vec![key(0), key(50), key(7_300)],
            now: 100,
        };
        let text = keys.human();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert!(
            rows[0].ends_with("never") && rows[0].contains("orders:read orders:list"),
            "{text}"
        );
        assert!(rows[1].ends_with("expired"), "{text}");
        assert!(rows[2].ends_with("in 2 h"), "{text}");
    }

    #[test]
    fn standard_output_has_the_key_alone() {
        let made = Made {
            api_key: key(0),
            key: "postern_key_1f2e3d4c5b6a7980_x".into(),
        };
        assert_eq!(made.human(), made.key);
        assert!(!made.note(0).contains(&made.key));
        assert!(made.note(0).contains("shown once"));
    }
}
