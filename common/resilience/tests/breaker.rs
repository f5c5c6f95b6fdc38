//! P25: the real breaker against a model that is simple enough to be believed, over random lives; and the few rules that
//! people rely on, one by one.
#![expect(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::time::Duration;

use postern_resilience::{Breaker, BreakerSettings, Moment, Outcome, Pass, State};
use proptest::prelude::*;

/// What can happen to a breaker.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A call asks to be let through.
    Ask,
    /// A call that is under way ends: which one (modulo how many there are), and how.
    End(usize, Outcome),
    /// Time passes, in milliseconds.
    Wait(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Failure),
        4 => Just(Outcome::Success),
        1 => Just(Outcome::Abandoned),
    ];
    let event = prop_oneof![
        5 => Just(Event::Ask),
        5 => (0..8_usize, outcome).prop_map(|(which, outcome)| Event::End(which, outcome)),
        2 => (0..1_500_u64).prop_map(Event::Wait),
    ];
    prop::collection::vec(event, 0..200)
}

fn settings() -> impl Strategy<Value = BreakerSettings> {
    (1..5_u32, 1..4_u32, 1..1_000_u64, 1..4_u32).prop_map(|(failures, successes, open_ms, probes)| {
        BreakerSettings::new(failures, successes, Duration::from_millis(open_ms), probes).unwrap()
    })
}

/// The model: it remembers everything that happened since the last transition, and reads the rules off that history. The
/// machine under test keeps counters instead.
struct Model {
    settings: BreakerSettings,
    now: u64,
    state: State,
    since: u64,
    /// What ended in this state, in order.
    ended: Vec<Outcome>,
    /// Calls under way: were they let through in this state?
    calls: Vec<bool>,
}

impl Model {
    fn enter(&mut self, state: State) {
        self.state = state;
        self.since = self.now;
        self.ended.clear();
        for of_now in &mut self.calls {
            *of_now = false;
        }
    }

    fn under_way(&self) -> usize {
        self.calls.iter().filter(|of_now| **of_now).count()
    }

    /// Whether a call is let through; if not, for how long not.
    fn ask(&mut self) -> Result<(), u64> {
        let open_ms = u64::try_from(self.settings.open.as_millis()).unwrap();
        if self.state == State::Open {
            let over = self.since + open_ms;
            if self.now < over {
                return Err(over - self.now);
            }
            self.enter(State::HalfOpen);
        }
        if self.state == State::HalfOpen && self.under_way() >= count(self.settings.half_open_probes) {
            return Err(0);
        }
        self.calls.push(true);
        Ok(())
    }

    fn end(&mut self, which: usize, outcome: Outcome) {
        if !self.calls.remove(which) {
            return;
        }
        self.ended.push(outcome);
        let told = self.ended.iter().filter(|ended| **ended != Outcome::Abandoned);
        match self.state {
            State::Closed => {
                let failed_last = told.rev().take_while(|ended| **ended == Outcome::Failure).count();
                if failed_last >= count(self.settings.failures_to_open) {
                    self.enter(State::Open);
                }
            }
            State::HalfOpen if outcome == Outcome::Failure => self.enter(State::Open),
            State::HalfOpen => {
                if told.count() >= count(self.settings.successes_to_close) {
                    self.enter(State::Closed);
                }
            }
            State::Open => unreachable!("nothing is let through an open one"),
        }
    }
}

fn count(number: std::num::NonZeroU32) -> usize {
    usize::try_from(number.get()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn property_25_a_breaker_does_what_its_rules_say(settings in settings(), events in events()) {
        let mut model = Model {
            settings,
            now: 0,
            state: State::Closed,
            since: 0,
            ended: Vec::new(),
            calls: Vec::new(),
        };
        let mut breaker = Breaker::new();
        let mut passes: Vec<Pass> = Vec::new();
        for event in events {
            let now = Moment(Duration::from_millis(model.now));
            match event {
                Event::Wait(ms) => model.now += ms,
                Event::Ask => {
                    let open = breaker.refuses(now);
                    let (stepped, admitted) = breaker.admit(&settings, now);
                    breaker = stepped;
                    let expected = model.ask();
                    prop_assert_eq!(
                        admitted.as_ref().map(|_| ()).map_err(|refused| refused.retry_after),
                        expected.map_err(Duration::from_millis)
                    );
                    // Looking first tells the same, and nothing of probes.
                    prop_assert_eq!(open.is_some(), model.state == State::Open);
                    passes.extend(admitted);
                }
                Event::End(_, _) if passes.is_empty() => {}
                Event::End(which, outcome) => {
                    let which = which % passes.len();
                    breaker = breaker.settle(&settings, passes.remove(which), outcome, now);
                    model.end(which, outcome);
                }
            }
            prop_assert_eq!(breaker.state(), model.state);
        }
    }

    /// Whatever happened: once the other side answers again and time passes, calls go through again.
    #[test]
    fn property_25_no_breaker_stays_open_for_ever(settings in settings(), events in events()) {
        let mut breaker = Breaker::new();
        let mut passes: Vec<Pass> = Vec::new();
        let mut now = 0;
        for event in events {
            let moment = Moment(Duration::from_millis(now));
            match event {
                Event::Wait(ms) => now += ms,
                Event::Ask => {
                    let (stepped, admitted) = breaker.admit(&settings, moment);
                    breaker = stepped;
                    passes.extend(admitted);
                }
                Event::End(_, _) if passes.is_empty() => {}
                Event::End(which, outcome) => {
                    let pass = passes.remove(which % passes.len());
                    breaker = breaker.settle(&settings, pass, outcome, moment);
                }
            }
        }
        // Every call ends some day, if only by its deadline or its caller's.
        let moment = Moment(Duration::from_millis(now));
        for pass in passes {
            breaker = breaker.settle(&settings, pass, Outcome::Abandoned, moment);
        }
        let later = Moment(moment.0 + settings.open);
        for _ in 0..settings.successes_to_close.get() {
            let (stepped, admitted) = breaker.admit(&settings, later);
            breaker = stepped.settle(&settings, admitted.unwrap(), Outcome::Success, later);
        }
        prop_assert_eq!(breaker.state(), State::Closed);
    }
}

fn rules() -> BreakerSettings {
    BreakerSettings::new(2, 2, Duration::from_secs(10), 1).unwrap()
}

fn at(seconds: u64) -> Moment {
    Moment(Duration::from_secs(seconds))
}

fn call(breaker: Breaker, outcome: Outcome, now: Moment) -> Breaker {
    let (breaker, admitted) = breaker.admit(&rules(), now);
    breaker.settle(&rules(), admitted.unwrap(), outcome, now)
}

fn open_at(now: Moment) -> Breaker {
    let breaker = call(Breaker::new(), Outcome::Failure, now);
    call(breaker, Outcome::Failure, now)
}

#[test]
fn failures_count_in_a_row_only() {
    let mut breaker = Breaker::new();
    for outcome in [
        Outcome::Failure,
        Outcome::Success,
        Outcome::Failure,
        Outcome::Success,
    ] {
        breaker = call(breaker, outcome, at(0));
    }
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(open_at(at(0)).state(), State::Open);
}

#[test]
fn a_refusal_says_how_long_it_lasts() {
    let (_, refused) = open_at(at(0)).admit(&rules(), at(3));
    assert_eq!(refused.unwrap_err().retry_after, Duration::from_secs(7));
}

#[test]
fn a_failed_probe_opens_it_anew_and_for_the_whole_time() {
    let breaker = call(open_at(at(0)), Outcome::Failure, at(10));
    assert_eq!(
        breaker.refuses(at(19)).unwrap().retry_after,
        Duration::from_secs(1)
    );
    assert_eq!(breaker.refuses(at(20)), None);
}

#[test]
fn a_call_of_an_earlier_time_neither_opens_nor_closes() {
    let slow = Breaker::new();
    let (slow, late) = slow.admit(&rules(), at(0));
    let open = call(call(slow, Outcome::Failure, at(1)), Outcome::Failure, at(1));
    let (probing, probe) = open.admit(&rules(), at(11));
    // The call from before fails at last, while a probe is under way that succeeds.
    let breaker = probing.settle(&rules(), late.unwrap(), Outcome::Failure, at(12));
    let breaker = breaker.settle(&rules(), probe.unwrap(), Outcome::Success, at(12));
    assert_eq!(breaker.state(), State::HalfOpen);
    assert_eq!(call(breaker, Outcome::Success, at(12)).state(), State::Closed);
}
