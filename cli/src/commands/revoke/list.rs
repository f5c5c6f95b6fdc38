//! `postern revocation`: the list of what is revoked.

use clap::Subcommand;
use postern_proto::token::v1::{
    ListRevocationsRequest, RemoveRevocationRequest, token_service_client::TokenServiceClient,
};
use serde::Serialize;
use tonic::Code;

use super::entry::Entry;
use crate::{
    clock,
    control_plane::{self, TargetArgs},
    exit::Exit,
    output::{self, OutputArgs, Printed},
    time_text::utc,
    when::in_words,
};

/// A page of the listing; the service allows a thousand.
const PAGE_SIZE: u32 = 1_000;

/// `postern revocation …`.
#[derive(Debug, clap::Args)]
pub struct RevocationArgs {
    #[command(subcommand)]
    command: RevocationCommand,
}

#[derive(Debug, Subcommand)]
enum RevocationCommand {
    /// List what is revoked and hasn't expired, newest first.
    #[command(
        after_help = "Examples:\n  postern revocation list\n  postern revocation list --limit 10000 -o json | jq length"
    )]
    List(ListArgs),
    /// Take an entry off the list: what it revoked is valid again.
    #[command(after_help = "Exits 0, or, where there is no such entry, 1.\n\n\
        Example:\n  postern revocation remove 7d0f3c7a2b9e4d518c6a90be12f34d56")]
    Remove(RemoveArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// The entry's id, as `list` shows it.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    target: TargetArgs,
}

/// Runs `postern revocation …`.
pub async fn run(args: RevocationArgs) -> anyhow::Result<Exit> {
    match args.command {
        RevocationCommand::List(args) => list(&args).await,
        RevocationCommand::Remove(args) => remove(args).await,
    }
}

async fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let channel = control_plane::connect(&args.target.target()?).await?;
    let mut service = TokenServiceClient::new(channel);
    let mut entries: Vec<Entry> = Vec::new();
    let mut page_token = String::new();
    let more = loop {
        let missing = args
            .limit
            .saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        if missing == 0 {
            break true;
        }
        let request = ListRevocationsRequest {
            page_size: missing.min(PAGE_SIZE),
            page_token,
        };
        let page = service.list_revocations(request).await;
        let page = page.map_err(control_plane::refused)?.into_inner();
        entries.extend(page.revocations.into_iter().map(Entry::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break false;
        }
    };
    output::print(
        args.output.output,
        &Entries {
            entries,
            now: clock::now().0,
        },
    )?;
    if more {
        output::note("there are more; see --limit");
    }
    Ok(Exit::Yes)
}

async fn remove(args: RemoveArgs) -> anyhow::Result<Exit> {
    let channel = control_plane::connect(&args.target.target()?).await?;
    let request = RemoveRevocationRequest { id: args.id };
    match TokenServiceClient::new(channel).remove_revocation(request).await {
        Ok(_) => {
            output::line("removed; connected sidecars take the tokens again within a second")?;
            Ok(Exit::Yes)
        }
        Err(status) if status.code() == Code::NotFound => {
            output::note("no entry has this id; it may have expired: see `postern revocation list`");
            Ok(Exit::No)
        }
        Err(status) => Err(control_plane::refused(status)),
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Entries {
    entries: Vec<Entry>,
    #[serde(skip)]
    now: i64,
}

impl Printed for Entries {
    fn human(&self) -> String {
        if self.entries.is_empty() {
            return "nothing is revoked".to_owned();
        }
        let rows = self.entries.iter().map(|entry| {
            [
                entry.id.clone(),
                entry.which(),
                entry.issuer.clone(),
                entry.issued(),
                in_words(entry.expires_at.saturating_sub(self.now)),
                utc(entry.revoked_at),
                entry.reason.clone(),
            ]
        });
        let head = [
            "ID",
            "WHICH",
            "ISSUER",
            "ISSUED",
            "EXPIRES IN",
            "REVOKED AT",
            "REASON",
        ];
        output::table(head, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_says_so_to_a_person_and_is_an_empty_array_to_a_program() {
        let none = Entries {
            entries: Vec::new(),
            now: 0,
        };
        assert_eq!(none.human(), "nothing is revoked");
        assert_eq!(serde_json::to_string(&none).unwrap(), "[]");
    }

    #[test]
    fn an_entry_is_a_row() {
        let entry = Entry {
            id: "0123".into(),
            issuer: "https://a.example".into(),
            claim: None,
            key_id: Some("2026".into()),
            issued_before: 60,
            expires_at: 7_200,
            revoked_at: 0,
            reason: "leaked".into(),
        };
        let text = Entries {
            entries: vec![entry],
            now: 0,
        }
        .human();
        let row = text.lines().nth(1).unwrap();
        for part in ["0123", "key 2026", "before 1970-01-01T00:01:00Z", "2 h", "leaked"] {
            assert!(row.contains(part), "{part} in {row}");
        }
    }
}
