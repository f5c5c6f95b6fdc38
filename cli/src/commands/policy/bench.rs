//! `postern policy bench`: one evaluation over and over, timed, in the forms of `opa bench`.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::ask::{self, Question, QuestionArgs};
use crate::{clock, exit::Exit, output};

/// How long one benchmark takes: as long as Go's.
const TARGET: Duration = Duration::from_secs(1);
/// Evaluations that are timed together, so that asking the clock doesn't show.
const BATCH: u32 = 16;
/// Of batches, so that memory is bounded.
const MAX_BATCHES: usize = 1_000_000;

/// `postern policy bench`.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(flatten)]
    question: QuestionArgs,
    /// How to print the figures.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Measure as often.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table.
    #[default]
    Pretty,
    /// Go's members.
    Json,
    /// A line as benchstat reads it.
    Gobench,
}

pub(super) async fn run(args: &BenchArgs) -> anyhow::Result<Exit> {
    let Question {
        policy,
        entrypoint,
        input,
    } = args.question.ready().await?;
    let env = ask::env(false, None)?;
    let evaluate = || {
        policy
            .program
            .evaluate(entrypoint, input.as_ref(), &policy.data, &env)
    };
    match evaluate() {
        Ok(Some(_)) => {}
        Ok(None) => {
            output::note("1 error occurred: undefined result");
            return Ok(Exit::No);
        }
        Err(error) => {
            output::note(&format!("1 error occurred: {error}"));
            return Ok(Exit::No);
        }
    }
    for _ in 0..args.count {
        let figures =
            Figures::measure(|| drop(std::hint::black_box(evaluate()))).context("nothing was measured")?;
        output::line(&figures.printed(args.format)?)?;
    }
    Ok(Exit::Yes)
}

/// What was measured, in nanoseconds an evaluation.
struct Figures {
    evaluations: u64,
    total: Duration,
    /// Of each batch, sorted.
    batches: Vec<f64>,
}

impl Figures {
    fn measure(mut evaluate: impl FnMut()) -> Option<Self> {
        // Buffers that are kept between evaluations grow in the first ones.
        (0..BATCH).for_each(|_| evaluate());
        let mut batches = Vec::new();
        let mut total = Duration::ZERO;
        while total < TARGET && batches.len() < MAX_BATCHES {
            let started = clock::monotonic();
            (0..BATCH).for_each(|_| evaluate());
            let took = clock::monotonic().saturating_duration_since(started);
            total += took;
            batches.push(took.as_secs_f64() * 1e9 / f64::from(BATCH));
        }
        batches.sort_by(f64::total_cmp);
        (!batches.is_empty()).then_some(Self {
            evaluations: (batches.len() as u64).saturating_mul(u64::from(BATCH)),
            total,
            batches,
        })
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "nanoseconds an evaluation, for reading"
    )]
    fn mean(&self) -> f64 {
        self.total.as_secs_f64() * 1e9 / (self.evaluations as f64)
    }

    /// The batch that a share of the batches is not slower than.
    fn at(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank among at most a million"
        )]
        let rank = ((self.batches.len() as f64) * share).ceil() as usize;
        let found = self.batches.get(rank.saturating_sub(1));
        found.or(self.batches.last()).copied().unwrap_or_default()
    }

    /// By OPA's names; each is over batches of [`BATCH`] evaluations.
    fn histogram(&self) -> [(&'static str, f64); 7] {
        [
            ("histogram_timer_rego_query_eval_ns_75%", self.at(0.75)),
            ("histogram_timer_rego_query_eval_ns_90%", self.at(0.9)),
            ("histogram_timer_rego_query_eval_ns_99%", self.at(0.99)),
            ("histogram_timer_rego_query_eval_ns_99.9%", self.at(0.999)),
            ("histogram_timer_rego_query_eval_ns_max", self.at(1.0)),
            ("histogram_timer_rego_query_eval_ns_median", self.at(0.5)),
            ("histogram_timer_rego_query_eval_ns_min", self.at(0.0)),
        ]
    }

    fn printed(&self, format: Format) -> anyhow::Result<String> {
        Ok(match format {
            Format::Pretty => {
                let mut rows = vec![
                    ["samples".to_owned(), self.evaluations.to_string()],
                    ["ns/op".to_owned(), format!("{:.0}", self.mean())],
                ];
                rows.extend(
                    self.histogram()
                        .map(|(name, value)| [name.to_owned(), format!("{value:.0}")]),
                );
                output::table(["FIGURE", "VALUE"], rows)
            }
            Format::Json => {
                let extra: serde_json::Map<_, _> = self
                    .histogram()
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), json!(value)))
                    .collect();
                let total = u64::try_from(self.total.as_nanos()).unwrap_or(u64::MAX);
                serde_json::to_string_pretty(&json!({"N": self.evaluations, "T": total, "Extra": extra}))?
            }
            Format::Gobench => {
                let mut line = format!(
                    "BenchmarkPosternEval\t{:>8}\t{:>10.0} ns/op",
                    self.evaluations,
                    self.mean()
                );
                for (name, value) in self.histogram() {
                    line.push_str(&format!("\t{value:>10.0} {name}"));
                }
                line
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let figures = Figures {
            evaluations: 64,
            total: Duration::from_nanos(6400),
            batches: vec![1.0, 2.0, 3.0, 4.0],
        };
        assert!((figures.mean() - 100.0).abs() < 1e-9);
        for (share, value) in [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.99, 4.0), (1.0, 4.0)] {
            assert!((figures.at(share) - value).abs() < 1e-9, "{share}");
        }
    }
}
