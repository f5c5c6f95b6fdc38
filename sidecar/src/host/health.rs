//! Whether the other side of a connection is still there: a silent one is asked by PING (RFC 9113 §6.7), and given up when
//! it doesn't answer. Counts time in ticks, so that no clock is read for a request.

use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::{Interval, MissedTickBehavior, interval_at};

/// How long a tick is.
const TICK: Duration = Duration::from_secs(1);
/// A connection that asks nothing for so many ticks is asked itself, and has so many to answer.
const SILENCE: u64 = 10;
const ANSWER: u64 = 5;

/// What is known of the other side.
pub(super) struct Health {
    pings: Option<PingPong>,
    ticks: Interval,
    /// Ticks since the connection began.
    now: u64,
    heard: u64,
    /// When it was asked whether it is there, while it hasn't answered.
    asked: Option<u64>,
}

/// How it is, at a tick.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There, as far as one can know.
    Well {
        /// Has asked nothing for long.
        idle_long: bool,
    },
    /// Doesn't answer.
    Gone,
}

impl Health {
    pub(super) fn new(pings: Option<PingPong>) -> Self {
        let mut ticks = interval_at(tokio::time::Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            pings,
            ticks,
            now: 0,
            heard: 0,
            asked: None,
        }
    }

    /// Ticks since the connection began.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// A request came.
    pub(super) fn heard(&mut self) {
        self.heard = self.now;
    }

    /// A verdict, once for each tick.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Verdict> {
        if self.asked.is_some()
            && let Some(pings) = &mut self.pings
            && matches!(pings.poll_pong(context), Poll::Ready(Ok(_)))
        {
            self.asked = None;
        }
        if self.ticks.poll_tick(context).is_pending() {
            return Poll::Pending;
        }
        self.now += 1;
        Poll::Ready(self.verdict())
    }

    fn verdict(&mut self) -> Verdict {
        let silent = self.now.saturating_sub(self.heard);
        match self.asked {
            Some(asked) if self.now.saturating_sub(asked) >= ANSWER => return Verdict::Gone,
            None if silent > 0 && silent.is_multiple_of(SILENCE) => {
                if let Some(pings) = &mut self.pings
                    && pings.send_ping(Ping::opaque()).is_ok()
                {
                    self.asked = Some(self.now);
                }
            }
            Some(_) | None => {}
        }
        Verdict::Well {
            idle_long: silent >= SILENCE,
        }
    }
}
