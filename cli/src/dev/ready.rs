//! Waits until a part can do its work, by asking it. Asks often, so that a start takes as long as the parts do.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(20);
/// A part that is not ready by then has something wrong that waiting won't cure.
const PATIENCE: Duration = Duration::from_secs(30);

/// A part that never became ready.
#[derive(Debug, thiserror::Error)]
#[error("{what} is not ready after {} s: {last}", patience.as_secs())]
pub struct NeverReady {
    what: &'static str,
    patience: Duration,
    last: String,
}

/// Asks until the answer is yes.
///
/// # Errors
/// When it isn't within half a minute; says the last answer.
pub async fn until<A>(what: &'static str, ask: A) -> Result<(), NeverReady>
where
    A: AsyncFn() -> Result<(), String>,
{
    within(PATIENCE, what, ask).await
}

async fn within<A>(patience: Duration, what: &'static str, ask: A) -> Result<(), NeverReady>
where
    A: AsyncFn() -> Result<(), String>,
{
    let mut last = "no answer".to_owned();
    let asking = async {
        while let Err(answer) = ask().await {
            last = answer;
            sleep(PAUSE).await;
        }
    };
    let in_time = timeout(patience, asking).await;
    in_time.map_err(|_| NeverReady { what, patience, last })
}

/// The answer of a status: yes for `wanted`, no for any other or none.
///
/// # Errors
/// What came instead.
pub fn expect(wanted: u16, status: Option<u16>) -> Result<(), String> {
    match status {
        Some(status) if status == wanted => Ok(()),
        Some(status) => Err(format!("it answers {status}")),
        None => Err("no answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_yes_ends_the_asking() {
        let asked = Cell::new(0);
        let ask = async || {
            asked.set(asked.get() + 1);
            if asked.get() < 3 {
                Err("not yet".to_owned())
            } else {
                Ok(())
            }
        };
        until("it", ask).await.unwrap();
        assert_eq!(asked.get(), 3);
    }

    #[tokio::test]
    async fn patience_ends_and_says_the_last_answer() {
        let error = within(Duration::from_millis(1), "the sidecar", async || {
            expect(200, Some(503))
        })
        .await
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the sidecar is not ready after 0 s: it answers 503"
        );
    }
}
