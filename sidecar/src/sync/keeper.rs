//! Keeps the control plane's lists on disk, so that a restart begins with what was revoked, whoever is there to ask. A
//! change is written at once, but for the time that the writes themselves ask for; the newest state is, too, when the
//! process is told to end. That nothing changed is kept as well, in a record of its own, so that a restart knows how old its
//! lists are.

use std::time::Duration;

use postern_decide::revocation::Heard;
use postern_jose::UnixTime;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Context;
use super::lists::{Kept, KeptError, Lists, Position};
use crate::clock::Stopwatch;
use crate::disk::{DataFolder, Record, RecordError};

/// The pause after a write: a moment where lists are small, so many times what the write took where they aren't. What changed
/// meanwhile is lost to a process that is killed and can't ask for it when it is back; routes that must not miss it say how
/// old lists may be.
const MOMENT: Duration = Duration::from_millis(50);
const REST: u32 = 10;
const LONGEST_REST: Duration = Duration::from_secs(30);
/// From so many revocations on lists aren't small: some 1.2 MB.
const SMALL: usize = 50_000;
/// How much later lists must have been heard of for that to be written down, in seconds.
const HEARD_STEP_SECONDS: i64 = 15;
/// 2,000,000 revocations of 24 bytes, and room for a heading with as many API keys as there can be.
const MAX_BYTES: u64 = 128 << 20;
const LISTS: &str = "lists";
const HEARD: &str = "lists heard";

/// Why the lists on disk aren't used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Kept(#[from] KeptError),
}

/// The lists that were kept of this control plane; `None` where there are none.
///
/// # Errors
/// When what is there is damaged, or of another control plane.
pub(crate) fn load(disk: &DataFolder, source: &str, now: UnixTime) -> Result<Option<Lists>, LoadError> {
    let Some(record) = Record::read(&disk.lists(), LISTS, source, MAX_BYTES)? else {
        return Ok(None);
    };
    let mut heard_at = record.fetched_at;
    let kept = Kept::from_bytes(&record.content, UnixTime(heard_at.min(now.0)))?;
    // Worth something only with the very lists that it is of.
    if let Ok(Some(heard)) = Record::read(&disk.lists_heard(), HEARD, source, 4096)
        && serde_json::from_slice::<Position>(&heard.content).is_ok_and(|position| position == kept.position)
    {
        heard_at = heard_at.max(heard.fetched_at);
    }
    Ok(Some(kept.into_lists().heard_at(UnixTime(heard_at.min(now.0)))))
}

/// Keeps every state that comes, or the newest of those that come quickly, until `stop`; then the newest of all.
pub(crate) async fn keep(
    context: &Context,
    source: &str,
    mut lists: watch::Receiver<Lists>,
    stop: CancellationToken,
) {
    let mut written: Option<(Position, i64)> = None;
    loop {
        let last = tokio::select! {
            () = stop.cancelled() => true,
            changed = lists.changed() => changed.is_err(),
        };
        let newest = lists.borrow_and_update().clone();
        let began = Stopwatch::start();
        write(context, source, &newest, &mut written).await;
        if last {
            return;
        }
        let rest = if newest.revocations().len() < SMALL {
            MOMENT
        } else {
            began.elapsed().saturating_mul(REST).min(LONGEST_REST)
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(rest) => {}
        }
    }
}

/// Writes what isn't on disk yet.
async fn write(context: &Context, source: &str, lists: &Lists, written: &mut Option<(Position, i64)>) {
    let Some(kept) = Kept::of(lists) else { return };
    let position = kept.position.clone();
    let heard_at = match lists.revocations().heard() {
        Heard::At(heard) => heard.0,
        Heard::NoStream | Heard::Never => 0,
    };
    match written {
        Some((at, heard)) if *at == position => {
            if heard_at.saturating_sub(*heard) < HEARD_STEP_SECONDS {
                return;
            }
            write_heard(context, source, &position, heard_at).await;
        }
        _ => write_lists(context, source, kept, heard_at).await,
    }
    *written = Some((position, heard_at));
}

async fn write_lists(context: &Context, source: &str, kept: Kept, heard_at: i64) {
    // A million revocations take some milliseconds to write down: elsewhere than where everything else runs.
    let content = tokio::task::spawn_blocking(move || kept.to_bytes()).await;
    let content = match content {
        Ok(Ok(content)) => content,
        Ok(Err(error)) => return tracing::error!(%error, "the lists could not be written down"),
        Err(error) => return tracing::error!(%error, "the lists could not be written down"),
    };
    let path = context.disk.lists();
    context.keep(record(LISTS, source, heard_at, content), path).await;
}

async fn write_heard(context: &Context, source: &str, position: &Position, heard_at: i64) {
    let Ok(content) = serde_json::to_vec(position) else {
        return;
    };
    let path = context.disk.lists_heard();
    context.keep(record(HEARD, source, heard_at, content), path).await;
}

fn record(subject: &str, source: &str, fetched_at: i64, content: Vec<u8>) -> Record {
    Record {
        subject: subject.to_owned(),
        source: source.to_owned(),
        etag: None,
        fetched_at,
        content,
    }
}

#[cfg(test)]
mod tests;
