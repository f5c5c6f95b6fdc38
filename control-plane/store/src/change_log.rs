//! One sequence of changes for all who follow what services keep: each is appended in the transaction that makes it, gets
//! the number of the one before plus 1, and can be read again from a known position until it is compacted away. It
//! never looks into a change.
//!
//! The number comes from a row that each writer updates, not from a sequence of the database: so there is no gap after
//! a rollback, and the order of numbers is the order of commits.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{Database, DatabaseError, Entropy, Migrations, Tx, random_bytes};

/// What makes the log's tables.
pub const MIGRATIONS: Migrations = Migrations {
    service: "store",
    steps: &[(
        1,
        "change_log",
        include_str!("../migrations/sqlite/0001_change_log.sql"),
    )],
};

/// A point in the sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Names the sequence: drawn when the log was made.
    pub epoch: Arc<str>,
    /// The last change that is in; 0 before the first.
    pub sequence: u64,
    /// Drawn with that change; 0 before the first. A database that was put back from a backup goes on under the same epoch
    /// with numbers that were given before: this tells that they mean something else.
    pub check: u64,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub sequence: u64,
    /// `check` of the position after it.
    pub check: u64,
    /// What the service wrote.
    pub bytes: Vec<u8>,
}

/// The log; clones share it.
#[derive(Clone)]
pub struct ChangeLog {
    database: Database,
    entropy: Arc<dyn Entropy>,
    appended: Arc<Notify>,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    epoch: String,
    sequence: i64,
    check_word: i64,
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    sequence: i64,
    check_word: i64,
    change: Vec<u8>,
}

impl ChangeLog {
    /// The log in this database, whose tables are up to date; begins it, under a new epoch, where there is none.
    ///
    /// # Errors
    /// [`DatabaseError::Query`].
    pub async fn open(database: Database, entropy: Arc<dyn Entropy>) -> Result<Self, DatabaseError> {
        sqlx::query(
            "INSERT INTO change_log_head (one, epoch, sequence, check_word) VALUES (1, $1, 0, 0)
             ON CONFLICT (one) DO NOTHING",
        )
        .bind(hex::encode(random_bytes::<16>(&*entropy)))
        .execute(database.pool())
        .await?;
        Ok(Self {
            database,
            entropy,
            appended: Arc::new(Notify::new()),
        })
    }

    /// Appends a change, commits the transaction that made it, and wakes whoever waits in [`ChangeLog::appended`]. Gives
    /// its number.
    ///
    /// # Errors
    /// [`DatabaseError::Query`]; nothing of the transaction has happened then.
    pub async fn commit(&self, mut tx: Tx, change: &[u8]) -> Result<u64, DatabaseError> {
        let check = i64::from_le_bytes(random_bytes(&*self.entropy));
        let sequence: i64 = sqlx::query_scalar(
            "UPDATE change_log_head SET sequence = sequence + 1, check_word = $1 RETURNING sequence",
        )
        .bind(check)
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO change_log (sequence, check_word, change) VALUES ($1, $2, $3)")
            .bind(sequence)
            .bind(check)
            .bind(change)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.appended.notify_one();
        Ok(sequence.cast_unsigned())
    }

    /// Waits until something was appended through this log or a clone of it since the last call. For one waiter.
    pub async fn appended(&self) {
        self.appended.notified().await;
    }

    /// Where the sequence ends now.
    ///
    /// # Errors
    /// [`DatabaseError::Query`].
    pub async fn head(&self) -> Result<Position, DatabaseError> {
        let head: HeadRow = sqlx::query_as("SELECT epoch, sequence, check_word FROM change_log_head")
            .fetch_one(self.database.pool())
            .await?;
        Ok(Position {
            epoch: head.epoch.into(),
            sequence: head.sequence.cast_unsigned(),
            check: head.check_word.cast_unsigned(),
        })
    }

    /// Up to `limit` changes that follow on `position`, without a gap. `None`: it is no position of this sequence, or one
    /// whose next changes were compacted away; who is there has to begin anew.
    ///
    /// # Errors
    /// [`DatabaseError::Query`].
    pub async fn after(&self, position: &Position, limit: u32) -> Result<Option<Vec<Change>>, DatabaseError> {
        let head = self.head().await?;
        if position.epoch != head.epoch || position.sequence > head.sequence {
            return Ok(None);
        }
        // The change at the position itself comes along: its check says whether the position is one of ours.
        let rows: Vec<ChangeRow> = sqlx::query_as(
            "SELECT sequence, check_word, change FROM change_log WHERE sequence >= $1 ORDER BY sequence LIMIT $2",
        )
        .bind(position.sequence.cast_signed())
        .bind(i64::from(limit) + i64::from(position.sequence > 0))
        .fetch_all(self.database.pool())
        .await?;
        let mut changes: Vec<Change> = rows.into_iter().map(Change::from).collect();
        if position.sequence > 0 {
            if changes.first().map(|at| (at.sequence, at.check)) != Some((position.sequence, position.check))
            {
                return Ok(None);
            }
            changes.remove(0);
        } else if position.check != 0 {
            return Ok(None);
        }
        let follows = match changes.first() {
            Some(next) => next.sequence == position.sequence + 1,
            // Read after the head, so that nothing can be missing where the head is reached.
            None => position.sequence == head.sequence || limit == 0,
        };
        Ok(follows.then_some(changes))
    }

    /// Removes the oldest changes beyond the newest `keep` (at least one stays), `at_most` of them at a time. Gives how
    /// many that were.
    ///
    /// # Errors
    /// [`DatabaseError::Query`].
    pub async fn compact(&self, keep: u32, at_most: u32) -> Result<u64, DatabaseError> {
        let removed = sqlx::query(
            "DELETE FROM change_log WHERE sequence IN (
                SELECT sequence FROM change_log
                WHERE sequence <= (SELECT sequence FROM change_log_head) - $1 ORDER BY sequence LIMIT $2
             )",
        )
        .bind(i64::from(keep.max(1)))
        .bind(i64::from(at_most))
        .execute(self.database.pool())
        .await?;
        Ok(removed.rows_affected())
    }
}

impl From<ChangeRow> for Change {
    fn from(row: ChangeRow) -> Self {
        Self {
            sequence: row.sequence.cast_unsigned(),
            check: row.check_word.cast_unsigned(),
            bytes: row.change,
        }
    }
}

#[cfg(test)]
mod tests;
