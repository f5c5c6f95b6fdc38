//! Breaker, places and deadline around real futures, on a clock that the test owns.
#![expect(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postern_resilience::{BreakerSettings, CallError, Observer, Outgoing, OutgoingSettings, State};
use tokio::time::{Instant, advance};

const DEADLINE: Duration = Duration::from_millis(300);
const OPEN: Duration = Duration::from_secs(5);

#[derive(Debug, PartialEq)]
enum Error {
    Answered404,
    Broken,
}

fn settings(max_in_flight: usize, max_waiting: usize) -> OutgoingSettings {
    OutgoingSettings {
        max_in_flight,
        max_waiting,
        deadline: DEADLINE,
        breaker: BreakerSettings::new(2, 1, OPEN, 1).unwrap(),
    }
}

fn outgoing(max_in_flight: usize, max_waiting: usize) -> Arc<Outgoing<()>> {
    Arc::new(Outgoing::new(settings(max_in_flight, max_waiting), ()))
}

fn blames(error: &Error) -> bool {
    *error == Error::Broken
}

async fn fail(outgoing: &Outgoing<impl Observer>) -> CallError<Error> {
    let failed: Result<(), _> = outgoing.call(async { Err(Error::Broken) }, blames).await;
    failed.unwrap_err()
}

async fn succeed(outgoing: &Outgoing<impl Observer>) -> Result<u8, CallError<Error>> {
    outgoing.call(async { Ok(1) }, blames).await
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_refuses_at_once_and_a_good_probe_closes_it() {
    let outgoing = outgoing(4, 4);
    fail(&outgoing).await;
    fail(&outgoing).await;
    let asked = Instant::now();
    let refused = succeed(&outgoing).await.unwrap_err();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert!(
        matches!(&refused, CallError::Open(refused) if refused.retry_after == OPEN),
        "{refused:?}"
    );
    advance(OPEN).await;
    assert_eq!(succeed(&outgoing).await, Ok(1));
    assert_eq!(outgoing.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_of_the_downstreams_fault_opens_nothing() {
    let outgoing = outgoing(4, 4);
    for _ in 0..10 {
        let failed: Result<(), _> = outgoing.call(async { Err(Error::Answered404) }, blames).await;
        assert_eq!(failed, Err(CallError::Failed(Error::Answered404)));
    }
    assert_eq!(outgoing.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_costs_a_deadline_and_counts() {
    let outgoing = outgoing(4, 4);
    for _ in 0..2 {
        let asked = Instant::now();
        let late: Result<(), CallError<Error>> = outgoing.call(pending(), blames).await;
        assert_eq!(late, Err(CallError::Deadline(DEADLINE)));
        assert_eq!(asked.elapsed(), DEADLINE);
    }
    assert_eq!(outgoing.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn beyond_those_under_way_and_those_that_wait_a_call_is_refused_at_once() {
    let outgoing = outgoing(1, 1);
    let hang = || {
        let outgoing = Arc::clone(&outgoing);
        tokio::spawn(async move { outgoing.call(pending::<Result<(), Error>>(), blames).await })
    };
    let (calls, waits) = (hang(), hang());
    tokio::task::yield_now().await;
    assert_eq!(succeed(&outgoing).await, Err(CallError::Full));
    assert_eq!(calls.await.unwrap(), Err(CallError::Deadline(DEADLINE)));
    // It had a place for no time at all, so it says nothing about the other side.
    assert_eq!(waits.await.unwrap(), Err(CallError::Deadline(DEADLINE)));
    assert_eq!(outgoing.state(), State::Closed);
    assert_eq!(succeed(&outgoing).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_caller_went_away_makes_room_for_the_next() {
    let outgoing = outgoing(4, 4);
    fail(&outgoing).await;
    fail(&outgoing).await;
    advance(OPEN).await;
    let probe = {
        let outgoing = Arc::clone(&outgoing);
        tokio::spawn(async move { outgoing.call(pending::<Result<(), Error>>(), blames).await })
    };
    tokio::task::yield_now().await;
    assert!(
        matches!(fail(&outgoing).await, CallError::Open(_)),
        "one probe at a time"
    );
    probe.abort();
    assert!(probe.await.unwrap_err().is_cancelled());
    assert_eq!(succeed(&outgoing).await, Ok(1));
}

#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl Observer for Log {
    fn is_in(&self, state: State) {
        self.note(state.as_str().to_owned());
    }
    fn moved(&self, from: State, to: State) {
        self.note(format!("{} to {}", from.as_str(), to.as_str()));
    }
    fn refused(&self) {
        self.note("refused".to_owned());
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_each_transition_once_and_in_order() {
    let log = Arc::new(Log::default());
    let outgoing = Outgoing::new(settings(4, 4), Arc::clone(&log));
    fail(&outgoing).await;
    fail(&outgoing).await;
    fail(&outgoing).await;
    advance(OPEN).await;
    fail(&outgoing).await;
    advance(OPEN).await;
    succeed(&outgoing).await.unwrap();
    assert_eq!(
        *log.0.lock().unwrap(),
        [
            "closed",
            "closed to open",
            "refused",
            "open to half_open",
            "half_open to open",
            "open to half_open",
            "half_open to closed",
        ]
    );
}
