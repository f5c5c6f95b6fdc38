//! Follows the policy folder while `postern dev` runs. What it finds it prints; it never stops on an error.

use std::{path::Path, time::Duration};

use notify::{
    Event as FileEvent, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    machine::{Effect, Event, State},
    publisher::{Look, Publisher},
    revision::revision,
};
use crate::{output, policy::PolicyFolder};

/// An editor's burst of events is over by then.
const SETTLE: Duration = Duration::from_millis(50);
/// How often the folder is compared besides, for where events don't come (network mounts, a folder that was replaced).
const COMPARE_EVERY: Duration = Duration::from_secs(1);

/// Follows until it is dropped.
pub async fn follow(mut publisher: Publisher) {
    // One waiting change stands for all that came since.
    let (changed, mut changes) = mpsc::channel(1);
    let dir = publisher.policy_dir.clone();
    let _watcher = watch(&dir, changed);
    let mut compare = interval(COMPARE_EVERY);
    compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked_at = revision_in(&dir);
    let mut last = Look::Unchanged;
    let mut state = State::default();
    loop {
        // While it works nothing is received: changes wait in the channel, and come out as soon as it is done.
        let event = tokio::select! {
            Some(()) = changes.recv() => Event::Changed,
            _ = compare.tick() => {
                if revision_in(&dir) == looked_at { continue }
                Event::Changed
            }
        };
        let mut asked = advance(&mut state, event);
        while asked != Effect::None {
            let done = match asked {
                Effect::Settle => {
                    sleep(SETTLE).await;
                    Event::Settled
                }
                Effect::Work => {
                    // What came before the look is in what it sees.
                    while changes.try_recv().is_ok() {}
                    looked_at = revision_in(&dir);
                    let look = publisher.look().await;
                    if look == Look::Torn || changes.try_recv().is_ok() {
                        let _ = advance(&mut state, Event::Changed);
                    }
                    say(&look, &last);
                    if look != Look::Torn {
                        last = look;
                    }
                    Event::Done
                }
                Effect::None => break,
            };
            asked = advance(&mut state, done);
        }
    }
}

fn advance(state: &mut State, event: Event) -> Effect {
    let (next, effect) = state.step(event);
    *state = next;
    effect
}

/// The folder's revision, or nothing while it can't be read.
fn revision_in(dir: &Path) -> Option<String> {
    PolicyFolder::read(dir)
        .ok()
        .map(|folder| revision(folder.files()))
}

/// Tells of changes through `changed` for as long as it lives; `None` where the system can't, and comparing must do.
fn watch(dir: &Path, changed: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let handler = move |event: notify::Result<FileEvent>| {
        if event.is_ok_and(|event| changes_something(event.kind)) {
            // Full means that one is waiting already.
            let _ = changed.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(handler).ok()?;
    watcher.watch(dir, RecursiveMode::Recursive).ok()?;
    Some(watcher)
}

/// Reading, which the compiler does too, is no change.
fn changes_something(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

fn say(look: &Look, last: &Look) {
    match look {
        Look::Published { revision } => output::note(&format!("policy: {revision} is published")),
        Look::Failed { error, .. } => {
            output::note(&format!(
                "policy: not published, the last good one serves: {error}"
            ));
        }
        Look::Unchanged if matches!(last, Look::Failed { .. }) => {
            output::note("policy: back to what is served");
        }
        Look::Unchanged | Look::Torn => {}
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, ModifyKind};

    use super::*;

    #[test]
    fn reading_is_no_change_and_writing_is() {
        assert!(!changes_something(EventKind::Access(AccessKind::Read)));
        assert!(!changes_something(EventKind::Access(AccessKind::Open(
            AccessMode::Read
        ))));
        assert!(!changes_something(EventKind::Access(AccessKind::Close(
            AccessMode::Read
        ))));
        assert!(changes_something(EventKind::Access(AccessKind::Close(
            AccessMode::Write
        ))));
        assert!(changes_something(EventKind::Modify(ModifyKind::Any)));
        assert!(changes_something(EventKind::Create(CreateKind::File)));
    }

    #[tokio::test]
    async fn a_written_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (changed, mut changes) = mpsc::channel(1);
        let _watcher = watch(dir.path(), changed).unwrap();
        std::fs::write(dir.path().join("a.rego"), "package a").unwrap();
        tokio::time::timeout(Duration::from_secs(10), changes.recv())
            .await
            .unwrap()
            .unwrap();
    }
}
