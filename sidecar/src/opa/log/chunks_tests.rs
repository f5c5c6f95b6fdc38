use std::io::Read;

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;

/// The events of a chunk, which must be a gzip-compressed JSON array.
pub(in crate::opa) fn events(chunk: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(chunk).read_to_string(&mut text).unwrap();
    let array = Value::from_json_str(&text).unwrap();
    array.as_array().unwrap().iter().cloned().collect()
}

/// A text that doesn't compress much.
fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    (0..bytes)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap()).to_ascii_lowercase()
        })
        .filter(|letter| !['"', '\\'].contains(letter))
        .collect()
}

fn event(number: u64, bytes: usize) -> String {
    format!("{{\"n\":{number},\"x\":\"{}\"}}", noise(number, bytes))
}

fn chunks(limit: usize) -> (Chunks, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    (Chunks::new(limit, Arc::clone(&counters)), counters)
}

#[test]
fn events_wait_until_a_chunk_is_full_or_flushed() {
    let (mut chunks, _) = chunks(32_768);
    assert!(chunks.flush().is_empty());
    assert!(chunks.add(&event(0, 100)).is_empty());
    assert!(chunks.add(&event(1, 100)).is_empty());
    let full = chunks.flush();
    assert_eq!(full.len(), 1);
    assert_eq!(events(&full[0]).len(), 2);
    assert!(chunks.flush().is_empty());
}

#[test]
fn what_fits_into_a_chunk_is_learned() {
    let (mut chunks, counters) = chunks(4_096);
    let same = format!("{{\"x\":\"{}\"}}", "a".repeat(1_000));
    let full: Vec<_> = (0..2_000).flat_map(|_| chunks.add(&same)).collect();
    let sizes: Vec<usize> = full.iter().map(|chunk| events(chunk).len()).collect();
    assert!(
        sizes.first() < Some(&5),
        "it begins with what the limit itself holds: {sizes:?}"
    );
    assert!(sizes.last() > Some(&100), "and grows: {sizes:?}");
    assert_eq!(counters.of(Counter::NotEncoded), 0);
}

#[test]
fn an_event_that_is_too_large_goes_without_its_cache_or_is_lost_and_counted() {
    let (mut chunks, counters) = chunks(1_000);
    let with_cache = format!(
        "{{\"n\":1,\"nd_builtin_cache\":{{\"x\":\"{}\"}}}}",
        noise(1, 5_000)
    );
    let full = chunks.add(&with_cache);
    assert_eq!(full.len(), 1);
    assert_eq!(events(&full[0])[0].to_json(), r#"{"n":1}"#);
    assert_eq!(counters.of(Counter::WithoutNdBuiltinCache), 1);
    assert!(chunks.add(&event(2, 5_000)).is_empty());
    assert_eq!(counters.of(Counter::NotEncoded), 1);
    assert_eq!(counters.of(Counter::TooLarge), 2);
    assert!(chunks.add(&event(3, 10)).is_empty());
    assert_eq!(chunks.flush().len(), 1, "those after it are none the worse");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn property_every_event_leaves_once_in_order_in_chunks_within_the_limit(
        sizes in prop::collection::vec(0usize..900, 1..80),
        limit in 700usize..3_000,
    ) {
        let (mut chunks, counters) = chunks(limit);
        let mut full = Vec::new();
        for (number, size) in sizes.iter().enumerate() {
            full.extend(chunks.add(&event(number as u64, *size)));
        }
        full.extend(chunks.flush());
        let mut last = None;
        let mut count = 0;
        for chunk in &full {
            prop_assert!(chunk.len() <= limit);
            for event in events(chunk) {
                let number = event.get("n").and_then(Value::as_i64);
                prop_assert!(number > last);
                last = number;
                count += 1;
            }
        }
        prop_assert_eq!(count + counters.of(Counter::NotEncoded), sizes.len() as u64);
    }
}
