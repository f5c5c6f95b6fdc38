//! `postern client`: the OAuth clients that the control plane knows. Never shows a secret: it keeps none.

use clap::Subcommand;
use postern_proto::identity::v1::{
    Client, ListClientsRequest, session_identity_service_client::SessionIdentityServiceClient,
};
use serde::Serialize;

use crate::{
    control_plane::{self, TargetArgs},
    exit::Exit,
    output::{self, OutputArgs, Printed},
};

/// A page of the listing; the service allows a thousand.
const PAGE_SIZE: u32 = 500;

/// `postern client …`.
#[derive(Debug, clap::Args)]
pub struct ClientArgs {
    #[command(subcommand)]
    command: ClientCommand,
}

#[derive(Debug, Subcommand)]
enum ClientCommand {
    /// List the registered clients.
    #[command(
        after_help = "Examples:\n  postern client list\n  postern client list -o json | jq -r '.[].client_id'"
    )]
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs `postern client …`.
pub async fn run(args: ClientArgs) -> anyhow::Result<Exit> {
    match args.command {
        ClientCommand::List(args) => list(&args).await,
    }
}

async fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let channel = control_plane::connect(&args.target.target()?).await?;
    let mut service = SessionIdentityServiceClient::new(channel);
    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListClientsRequest {
            page_size: PAGE_SIZE,
            page_token,
        };
        let page = service
            .list_clients(request)
            .await
            .map_err(control_plane::refused)?
            .into_inner();
        listed.extend(page.clients.into_iter().map(Listed::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    output::print(args.output.output, &Clients(listed))?;
    Ok(Exit::Yes)
}

/// A client as it is listed.
#[derive(Debug, Serialize)]
struct Listed {
    client_id: String,
    name: String,
    scopes: Vec<String>,
    audience: Vec<String>,
    /// Seconds since the epoch.
    created_at: i64,
}

impl From<Client> for Listed {
    fn from(client: Client) -> Self {
        Self {
            client_id: client.client_id,
            name: client.name,
            scopes: client.scopes,
            audience: client.audience,
            created_at: client.created_at,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Clients(Vec<Listed>);

impl Printed for Clients {
    fn human(&self) -> String {
        if self.0.is_empty() {
            return "no clients".to_owned();
        }
        let rows = self.0.iter().map(|client| {
            [
                client.client_id.clone(),
                client.name.clone(),
                client.scopes.join(" "),
                client.audience.join(" "),
            ]
        });
        output::table(["CLIENT ID", "NAME", "SCOPES", "AUDIENCE"], rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_says_so_to_a_person_and_is_an_empty_array_to_a_program() {
        let none = Clients(Vec::new());
        assert_eq!(none.human(), "no clients");
        assert_eq!(serde_json::to_string(&none).unwrap(), "[]");
    }

    #[test]
    fn a_client_is_a_row_under_its_head() {
        let one = Clients(vec![Listed {
            client_id: "reader".into(),
            name: "Reader".into(),
            scopes: vec!["orders:read".into(), "orders:list".into()],
            audience: vec!["urn:postern:demo".into()],
            created_at: 0,
        }]);
        let text = one.human();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("CLIENT ID"), "{text}");
        assert!(lines[1].contains("orders:read orders:list"), "{text}");
    }
}
