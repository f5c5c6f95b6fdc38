//! The use cases of identity: register a client, authenticate one, list them. It speaks domain types only.

use std::sync::Arc;

use postern_store::{Clock, Database, Entropy, random_bytes};
use uuid::Builder;

use crate::model::{Client, ClientId, Registration};
use crate::repository::RepositoryError;
use crate::repository::clients as repository;
use crate::secret::{ClientSecret, SecretHash};

const DEFAULT_PAGE: u32 = 100;
const MAX_PAGE: u32 = 1_000;

/// The identity service; clones share it.
#[derive(Clone)]
pub struct Identity {
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Why identity did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No such client, or a wrong secret; which of them is told to nobody.
    #[error("the client is unknown or its secret is wrong")]
    NotAuthenticated,
    /// The id is taken.
    #[error("a client with the id `{0}` exists already")]
    AlreadyExists(ClientId),
    /// A page token that no page gave.
    #[error("page_token: expected the next_page_token of the page before")]
    PageToken,
    /// The store failed; the text is for the log only.
    #[error("{0}")]
    Store(String),
}

impl From<RepositoryError> for IdentityError {
    fn from(error: RepositoryError) -> Self {
        Self::Store(error.to_string())
    }
}

/// A client that was registered, with the secret that is shown this once.
#[derive(Debug)]
pub struct Registered {
    /// The client.
    pub client: Client,
    /// Its secret.
    pub secret: ClientSecret,
}

/// A page of clients.
#[derive(Debug)]
pub struct Page {
    /// The clients in the order of their ids.
    pub clients: Vec<Client>,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<ClientId>,
}

impl Identity {
    /// The service on this database, whose tables are up to date.
    pub fn new(database: Database, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            database,
            clock,
            entropy,
        }
    }

    /// Registers a client, with a generated id and secret where none was brought along.
    ///
    /// # Errors
    /// [`IdentityError::AlreadyExists`], [`IdentityError::Store`].
    pub async fn register(&self, registration: Registration) -> Result<Registered, IdentityError> {
        let client_id = match registration.client_id {
            Some(client_id) => client_id,
            None => self.generated_id()?,
        };
        let secret = registration
            .secret
            .unwrap_or_else(|| ClientSecret::generate(&*self.entropy));
        let client = Client {
            client_id,
            name: registration.name,
            scopes: registration.scopes,
            audience: registration.audience,
            created_at: self.clock.unix_seconds(),
        };
        if repository::insert(&self.database, &client, &secret.hash()).await? {
            Ok(Registered { client, secret })
        } else {
            Err(IdentityError::AlreadyExists(client.client_id))
        }
    }

    /// The client, if the secret is its own. An unknown client costs the same statement, the same hash and the same
    /// comparison as a known one with a wrong secret.
    ///
    /// # Errors
    /// [`IdentityError::NotAuthenticated`], [`IdentityError::Store`].
    pub async fn authenticate(
        &self,
        client_id: &str,
        secret: &ClientSecret,
    ) -> Result<Client, IdentityError> {
        // What isn't even an id is nobody's, and saying so at once tells nothing.
        let client_id = ClientId::parse(client_id).ok_or(IdentityError::NotAuthenticated)?;
        let kept = repository::secret_hash(&self.database, &client_id, &SecretHash::NOBODY).await?;
        if bool::from(kept.is(&secret.hash())) {
            repository::find(&self.database, &client_id)
                .await?
                .ok_or(IdentityError::NotAuthenticated)
        } else {
            Err(IdentityError::NotAuthenticated)
        }
    }

    /// A page of at most `size` clients (0 asks for 100, more than 1,000 gets 1,000), those after `token`.
    ///
    /// # Errors
    /// [`IdentityError::PageToken`], [`IdentityError::Store`].
    pub async fn list(&self, size: u32, token: &str) -> Result<Page, IdentityError> {
        let size = if size == 0 {
            DEFAULT_PAGE
        } else {
            size.min(MAX_PAGE)
        };
        let after = match token {
            "" => None,
            token => Some(ClientId::parse(token).ok_or(IdentityError::PageToken)?),
        };
        // One more than asked for tells whether there is another page.
        let mut clients = repository::list(&self.database, after.as_ref(), size + 1).await?;
        let more = clients.len() > size as usize;
        clients.truncate(size as usize);
        let next = clients
            .last()
            .filter(|_| more)
            .map(|client| client.client_id.clone());
        Ok(Page { clients, next })
    }

    fn generated_id(&self) -> Result<ClientId, IdentityError> {
        let uuid = Builder::from_random_bytes(random_bytes(&*self.entropy)).into_uuid();
        ClientId::parse(&uuid.to_string())
            .ok_or_else(|| IdentityError::Store("a UUID is no client id".into()))
    }
}

#[cfg(test)]
mod tests;
