//! Follows the policy folder while `postern dev` runs. What it finds it prints; it never stops on an error.

use std::{path::Path, time::Duration};

use notify::{
    Event as FileEvent, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    machine::{Effect, Event, State},
    publisher::{Look, Publisher},
    retry::Retry,
    revision::revision,
};
use crate::{output, policy::PolicyFolder};

/// An editor's burst of events is over by then.
const SETTLE: Duration = Duration::from_millis(50);
/// How often the folder is compared besides, for where events don't come (network mounts, a folder that was replaced).
const COMPARE_EVERY: Duration = Duration::from_secs(1);

/// Follows until it is dropped, from the look `last` on.
pub async fn follow(mut publisher: Publisher, mut last: Look) {
    // One waiting change stands for all that came since.
    let (changed, mut changes) = mpsc::channel(1);
    let dir = publisher.policy_dir.clone();
    let _watcher = watch(&dir, changed);
    let mut compare = interval(COMPARE_EVERY);
    compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut retry = Retry::default();
    let mut again_at = Instant::now() + retry.pause();
    let mut state = State::default();
    // When what isn't served yet was noticed.
    let mut noticed: Option<Instant> = None;
    loop {
        // While it works nothing is received: changes wait in the channel, and come out as soon as it is done.
        let event = tokio::select! {
            Some(()) = changes.recv() => Event::Changed,
            () = sleep_until(again_at), if last.is_passing() => Event::Changed,
            _ = compare.tick() => {
                if revision_in(&dir) == publisher.looked_at { continue }
                Event::Changed
            }
        };
        let mut asked = advance(&mut state, event);
        while asked != Effect::None {
            let done = match asked {
                Effect::Settle => {
                    noticed.get_or_insert_with(Instant::now);
                    sleep(SETTLE).await;
                    Event::Settled
                }
                Effect::Work => {
                    // What came before the look is in what it sees.
                    while changes.try_recv().is_ok() {}
                    let look = publisher.look().await;
                    if look == Look::Torn || changes.try_recv().is_ok() {
                        let _ = advance(&mut state, Event::Changed);
                    }
                    if look != Look::Torn {
                        let took = noticed.map_or(Duration::ZERO, |noticed| noticed.elapsed());
                        if let Some(text) = said(&look, &last, took) {
                            output::note(&text);
                        }
                        again_at = Instant::now() + retry.pause();
                        retry.after(&look);
                        if !look.is_passing() {
                            noticed = None;
                        }
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

/// What a person is told of a look; `took` is how long ago the change was noticed.
fn said(look: &Look, last: &Look, took: Duration) -> Option<String> {
    let published = |revision: &str| {
        format!(
            "policy: revision {revision} is published ({} ms)",
            took.as_millis()
        )
    };
    match look {
        Look::Published { revision } => Some(published(revision)),
        // Its publishing was cut off, and had been done all the same.
        Look::Unchanged { revision } if last.is_passing() => Some(published(revision)),
        Look::Unchanged { revision } if matches!(last, Look::Failed { .. }) => {
            Some(format!("policy: back to revision {revision}, which is served"))
        }
        // The next try found what the one before did.
        Look::Failed { .. } if look.is_passing() && look == last => None,
        Look::Failed { error, .. } => {
            let again = if look.is_passing() { "; trying again" } else { "" };
            Some(format!(
                "policy: not published, the last good one serves: {error}{again}"
            ))
        }
        Look::Unchanged { .. } | Look::Torn => None,
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, ModifyKind};

    use super::*;
    use crate::dev::policy::status::PolicyState;

    fn failed(passing: bool) -> Look {
        Look::Failed {
            state: PolicyState::Refused,
            error: "no".into(),
            passing,
        }
    }

    #[test]
    fn a_published_revision_is_told_with_the_time_it_took() {
        let (revision, took) = ("dev-1".to_owned(), Duration::from_micros(142_900));
        let wanted = Some("policy: revision dev-1 is published (142 ms)".to_owned());
        let published = Look::Published {
            revision: revision.clone(),
        };
        let unchanged = Look::Unchanged { revision };
        assert_eq!(said(&published, &unchanged, took), wanted);
        assert_eq!(
            said(&unchanged, &failed(true), took),
            wanted,
            "publishing was cut off after it was done"
        );
        assert_eq!(said(&unchanged, &unchanged, took), None);
    }

    #[test]
    fn the_same_passing_failure_is_told_once_and_a_wrong_policy_each_time() {
        assert_eq!(said(&failed(true), &failed(true), Duration::ZERO), None);
        for last in [failed(true), failed(false)] {
            assert!(said(&failed(false), &last, Duration::ZERO).is_some());
        }
    }

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
