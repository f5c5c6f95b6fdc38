use super::super::chunks::tests::events;
use super::*;

fn buffer(reporting: &Reporting) -> (Buffer, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    (
        Buffer::new(reporting, Arc::clone(&counters), Duration::ZERO),
        counters,
    )
}

fn event(number: usize) -> String {
    format!("{{\"n\":{number}}}")
}

fn numbers(chunks: &VecDeque<Bytes>) -> Vec<i64> {
    let events = chunks.iter().flat_map(|chunk| events(chunk));
    events
        .map(|event| event.get("n").unwrap().as_i64().unwrap())
        .collect()
}

#[test]
fn events_beyond_the_bound_push_out_the_oldest_and_are_counted() {
    let (mut buffer, counters) = buffer(&Reporting {
        buffer_type: BufferType::Event,
        buffer_size_limit_events: 3,
        ..Reporting::default()
    });
    for number in 0..5 {
        buffer.push(event(number), Duration::ZERO);
    }
    assert_eq!((buffer.size(), counters.of(Counter::NoRoom)), (3, 2));
    assert_eq!(numbers(&buffer.take(true)), [2, 3, 4]);
    assert_eq!(buffer.size(), 0);
}

#[test]
fn chunks_beyond_the_bound_push_out_the_oldest_and_are_counted() {
    let (mut buffer, counters) = buffer(&Reporting {
        buffer_size_limit_bytes: Some(120),
        // The least that it can be set to.
        upload_size_limit_bytes: 90,
        ..Reporting::default()
    });
    for number in 0..200 {
        buffer.push(event(number), Duration::ZERO);
    }
    assert!(buffer.size() <= 120, "{}", buffer.size());
    assert!(counters.of(Counter::NoRoom) > 0);
    assert_eq!(counters.of(Counter::NoRoom), counters.of(Counter::NoRoomForBytes));
    let left = numbers(&buffer.take(true));
    assert_eq!(left.last(), Some(&199), "the newest stay: {left:?}");
}

#[test]
fn what_was_not_uploaded_comes_first_again() {
    let (mut buffer, _) = buffer(&Reporting::default());
    buffer.push(event(1), Duration::ZERO);
    let taken = buffer.take(true);
    buffer.push(event(2), Duration::ZERO);
    buffer.put_back(taken);
    assert!(buffer.size() > 0);
    assert_eq!(numbers(&buffer.take(true)), [1, 2]);
}

#[test]
fn an_open_chunk_stays_open_unless_it_is_flushed() {
    let (mut buffer, _) = buffer(&Reporting::default());
    assert!(
        !buffer.push(event(1), Duration::ZERO),
        "nothing to be uploaded at once"
    );
    assert!(buffer.take(false).is_empty());
    assert_eq!(numbers(&buffer.take(true)), [1]);
}

#[test]
fn more_than_a_seconds_worth_is_dropped_and_counted() {
    let (mut buffer, counters) = buffer(&Reporting {
        max_decisions_per_second: Some(2.0),
        ..Reporting::default()
    });
    for number in 0..5 {
        buffer.push(event(number), Duration::ZERO);
    }
    buffer.push(event(5), Duration::from_secs(1));
    assert_eq!(counters.of(Counter::RateLimited), 3);
    assert_eq!(numbers(&buffer.take(true)), [0, 1, 5]);
}
