//! When to look at the policy folder: soon after a change, one look at a time, and never so that a change is lost.
//! Pure: knows no clock and no folder.

/// What is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing has changed since the last look.
    #[default]
    Idle,
    /// Something changed; the rest of the change is given a moment to arrive.
    Settling,
    /// The folder is being read, compiled, published.
    Working {
        /// Something changed after the work began.
        changed: bool,
    },
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A file changed, or may have.
    Changed,
    /// The moment is over.
    Settled,
    /// The work is done, well or not.
    Done,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Start the moment; [`Event::Settled`] comes at its end.
    Settle,
    /// Start the work; [`Event::Done`] comes at its end.
    Work,
}

impl State {
    /// The state after `event`, and what it asks for.
    pub fn step(self, event: Event) -> (Self, Effect) {
        match (self, event) {
            (Self::Idle, Event::Changed) | (Self::Working { changed: true }, Event::Done) => {
                (Self::Settling, Effect::Settle)
            }
            (Self::Settling, Event::Settled) => (Self::Working { changed: false }, Effect::Work),
            (Self::Working { .. }, Event::Changed) => (Self::Working { changed: true }, Effect::None),
            (Self::Working { changed: false }, Event::Done) => (Self::Idle, Effect::None),
            // A further change while settling starts no new moment: a file that is written all the time must not keep
            // us from ever looking.
            (state, _) => (state, Effect::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(events: &[Event]) -> (State, Vec<Effect>) {
        let mut state = State::default();
        let effects = events.iter().map(|&event| {
            let (next, effect) = state.step(event);
            state = next;
            effect
        });
        let effects = effects.filter(|effect| *effect != Effect::None).collect();
        (state, effects)
    }

    #[test]
    fn a_burst_of_changes_is_one_piece_of_work() {
        let (state, effects) = run(&[
            Event::Changed,
            Event::Changed,
            Event::Changed,
            Event::Settled,
            Event::Done,
        ]);
        assert_eq!(
            (state, effects),
            (State::Idle, vec![Effect::Settle, Effect::Work])
        );
    }

    #[test]
    fn a_change_during_the_work_is_looked_at_after_it() {
        let (state, effects) = run(&[Event::Changed, Event::Settled, Event::Changed, Event::Done]);
        assert_eq!(
            (state, effects),
            (
                State::Settling,
                vec![Effect::Settle, Effect::Work, Effect::Settle]
            )
        );
    }

    #[test]
    fn nothing_is_done_while_nothing_changes() {
        assert_eq!(run(&[Event::Settled, Event::Done]), (State::Idle, vec![]));
    }

    proptest! {
        #[test]
        fn no_change_is_ever_lost(changes in prop::collection::vec(0usize..4, 0..64)) {
            // A host that does what it is asked, with changes falling between any two of its steps.
            let (mut state, mut seen, mut written) = (State::default(), 0, 0);
            let mut asked = Effect::None;
            let step = |event, state: &mut State, asked: &mut Effect| {
                let (next, effect) = state.step(event);
                *state = next;
                if effect != Effect::None { *asked = effect; }
            };
            for burst in changes.into_iter().chain([0; 8]) {
                for _ in 0..burst {
                    written += 1;
                    step(Event::Changed, &mut state, &mut asked);
                }
                match std::mem::replace(&mut asked, Effect::None) {
                    Effect::Settle => step(Event::Settled, &mut state, &mut asked),
                    // The work looks when it begins; what is written afterwards it doesn't see.
                    Effect::Work => seen = written,
                    Effect::None if matches!(state, State::Working { .. }) => step(Event::Done, &mut state, &mut asked),
                    Effect::None => {}
                }
            }
            prop_assert_eq!((state, seen), (State::Idle, written));
        }
    }
}
