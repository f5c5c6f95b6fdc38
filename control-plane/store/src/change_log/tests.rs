//! The log against a real database: numbers, positions, compaction, a backup that is put back.

use std::path::Path;

use super::*;
use crate::SystemEntropy;

async fn log(folder: &Path) -> ChangeLog {
    let database = Database::open(&folder.join("postern.db")).await.unwrap();
    database.migrate(&MIGRATIONS).await.unwrap();
    ChangeLog::open(database, Arc::new(SystemEntropy)).await.unwrap()
}

async fn append(log: &ChangeLog, change: &str) -> u64 {
    let tx = log.database.write().await.unwrap();
    log.commit(tx, change.as_bytes()).await.unwrap()
}

fn start(log: &Position) -> Position {
    Position {
        epoch: Arc::clone(&log.epoch),
        sequence: 0,
        check: 0,
    }
}

async fn texts(log: &ChangeLog, position: &Position) -> Option<Vec<String>> {
    let changes = log.after(position, 100).await.unwrap()?;
    let text = |change: Change| format!("{} {}", change.sequence, String::from_utf8(change.bytes).unwrap());
    Some(changes.into_iter().map(text).collect())
}

#[tokio::test]
async fn changes_are_numbered_without_a_gap_and_read_from_any_position() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path()).await;
    let zero = log.head().await.unwrap();
    assert_eq!((zero.sequence, zero.check), (0, 0));
    assert_eq!(texts(&log, &zero).await.unwrap(), [""; 0]);
    append(&log, "a").await;
    // What is rolled back was never there.
    let tx = log.database.write().await.unwrap();
    drop(tx);
    let one = log.head().await.unwrap();
    append(&log, "b").await;
    assert_eq!(append(&log, "c").await, 3);
    assert_eq!(texts(&log, &zero).await.unwrap(), ["1 a", "2 b", "3 c"]);
    assert_eq!(texts(&log, &one).await.unwrap(), ["2 b", "3 c"]);
    assert_eq!(log.after(&one, 1).await.unwrap().unwrap().len(), 1);
    assert_eq!(texts(&log, &log.head().await.unwrap()).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_position_of_another_history_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path()).await;
    append(&log, "a").await;
    append(&log, "b").await;
    let head = log.head().await.unwrap();
    for strange in [
        Position {
            epoch: "other".into(),
            ..head.clone()
        },
        Position {
            sequence: 3,
            ..head.clone()
        },
        Position {
            sequence: 1,
            ..head.clone()
        },
        Position {
            check: head.check ^ 1,
            ..head.clone()
        },
        Position {
            check: 1,
            ..start(&head)
        },
        Position {
            sequence: u64::MAX,
            ..head.clone()
        },
    ] {
        assert_eq!(texts(&log, &strange).await, None, "{strange:?}");
    }
}

#[tokio::test]
async fn a_second_start_goes_on_where_the_first_was() {
    let folder = tempfile::tempdir().unwrap();
    let first = log(folder.path()).await;
    append(&first, "a").await;
    let before = first.head().await.unwrap();
    first.database.close().await;
    let second = log(folder.path()).await;
    assert_eq!(second.head().await.unwrap(), before);
    assert_eq!(append(&second, "b").await, 2);
    assert_eq!(texts(&second, &before).await.unwrap(), ["2 b"]);
}

#[tokio::test]
async fn a_backup_that_is_put_back_goes_on_under_numbers_that_nobody_takes_for_the_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let original = log(folder.path()).await;
    append(&original, "a").await;
    let kept = original.head().await.unwrap();
    original.database.close().await;
    let backup = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("postern.db"), backup.path().join("postern.db")).unwrap();

    let original = log(folder.path()).await;
    append(&original, "b").await;
    let lost = original.head().await.unwrap();

    let restored = log(backup.path()).await;
    assert_eq!(texts(&restored, &lost).await, None, "ahead of it");
    append(&restored, "another b").await;
    append(&restored, "c").await;
    assert_eq!(
        texts(&restored, &lost).await,
        None,
        "the same number, another change"
    );
    assert_eq!(texts(&restored, &kept).await.unwrap(), ["2 another b", "3 c"]);
}

#[tokio::test]
async fn what_was_compacted_away_is_no_place_to_go_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path()).await;
    let mut positions = vec![log.head().await.unwrap()];
    for n in 0..10 {
        append(&log, &n.to_string()).await;
        positions.push(log.head().await.unwrap());
    }
    assert_eq!(log.compact(3, 4).await.unwrap(), 4, "bounded");
    assert_eq!(log.compact(3, 100).await.unwrap(), 3);
    assert_eq!(log.compact(3, 100).await.unwrap(), 0);
    for (n, position) in positions.iter().enumerate() {
        assert_eq!(texts(&log, position).await.is_some(), n >= 8, "{n}");
    }
    assert_eq!(log.compact(0, 100).await.unwrap(), 2, "the head stays");
    assert_eq!(texts(&log, &positions[10]).await.unwrap(), [""; 0]);
    assert_eq!(append(&log, "next").await, 11);
    assert_eq!(texts(&log, &positions[10]).await.unwrap(), ["11 next"]);
}

#[tokio::test]
async fn many_writers_share_one_sequence() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (log(folder.path()).await, log(folder.path()).await);
    let writer = |log: ChangeLog| async move {
        for n in 0..20 {
            append(&log, &n.to_string()).await;
        }
    };
    tokio::join!(writer(one.clone()), writer(two.clone()), writer(one.clone()));
    let head = two.head().await.unwrap();
    assert_eq!(head.sequence, 60);
    assert_eq!(one.after(&start(&head), 100).await.unwrap().unwrap().len(), 60);
}
