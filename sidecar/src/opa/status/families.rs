//! Metrics, in Prometheus' text format and as JSON, as OPA has them in its status.

use std::fmt::{self, Write};

use serde_json::{Value as Json, json};

use super::number::written;

/// A metric with all its samples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) kind: Kind,
    pub(super) samples: Vec<Sample>,
}

/// What Prometheus calls its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A reading, and what tells it from the others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// By name.
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) reading: Reading,
}

/// What is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    Number(f64),
    Histogram {
        /// The upper ends, each with all that is no larger.
        buckets: Vec<(f64, u64)>,
        count: u64,
        sum: f64,
    },
}

impl Family {
    /// One with these samples.
    pub(super) fn new(name: &str, help: &str, kind: Kind, samples: Vec<Sample>) -> Self {
        Self {
            name: name.to_owned(),
            help: help.to_owned(),
            kind,
            samples,
        }
    }
}

impl Sample {
    /// A number with these labels.
    pub(super) fn number<const N: usize>(labels: [(&'static str, &str); N], number: f64) -> Self {
        Self {
            labels: labels
                .into_iter()
                .map(|(name, value)| (name, value.to_owned()))
                .collect(),
            reading: Reading::Number(number),
        }
    }
}

/// Writes metrics in Prometheus' text format, those that have no sample left out.
///
/// # Errors
/// Those of `out`.
pub(super) fn write_text(out: &mut impl Write, families: &[Family]) -> fmt::Result {
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        let Family { name, help, kind, .. } = family;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
        for sample in &family.samples {
            match &sample.reading {
                Reading::Number(number) => {
                    writeln!(out, "{name}{} {}", labels(sample, None), written(*number))?;
                }
                Reading::Histogram { buckets, count, sum } => {
                    for (end, so_far) in buckets {
                        writeln!(out, "{name}_bucket{} {so_far}", labels(sample, Some(*end)))?;
                    }
                    writeln!(
                        out,
                        "{name}_bucket{} {count}",
                        labels(sample, Some(f64::INFINITY))
                    )?;
                    writeln!(out, "{name}_sum{} {}", labels(sample, None), written(*sum))?;
                    writeln!(out, "{name}_count{} {count}", labels(sample, None))?;
                }
            }
        }
    }
    Ok(())
}

fn labels(sample: &Sample, end: Option<f64>) -> String {
    let escaped = |(name, value): &(&str, String)| {
        let value = value
            .replace('\\', r"\\")
            .replace('"', "\\\"")
            .replace('\n', r"\n");
        format!("{name}=\"{value}\"")
    };
    let mut all: Vec<String> = sample.labels.iter().map(escaped).collect();
    all.extend(end.map(|end| format!("le=\"{}\"", written(end))));
    if all.is_empty() {
        return String::new();
    }
    format!("{{{}}}", all.join(","))
}

/// Metrics by name, in the form of protobuf's JSON of Prometheus' own messages.
pub(super) fn to_json(families: &[Family]) -> serde_json::Map<String, Json> {
    let told = families.iter().filter(|family| !family.samples.is_empty());
    told.map(|family| (family.name.clone(), family_json(family)))
        .collect()
}

fn family_json(family: &Family) -> Json {
    let (kind, word) = match family.kind {
        Kind::Counter => ("COUNTER", "counter"),
        Kind::Gauge => ("GAUGE", "gauge"),
        Kind::Histogram => ("HISTOGRAM", "histogram"),
    };
    let sample = |sample: &Sample| {
        let label = |(name, value): &(&str, String)| json!({ "name": name, "value": value });
        let labels: Vec<Json> = sample.labels.iter().map(label).collect();
        let reading = match &sample.reading {
            Reading::Number(value) => json!({ "value": number(*value) }),
            Reading::Histogram { buckets, count, sum } => {
                let bucket = |(end, so_far): &(f64, u64)| json!({ "cumulativeCount": so_far.to_string(), "upperBound": number(*end) });
                let buckets: Vec<Json> = buckets.iter().map(bucket).collect();
                json!({ "sampleCount": count.to_string(), "sampleSum": number(*sum), "bucket": buckets })
            }
        };
        let mut told = serde_json::Map::new();
        if !labels.is_empty() {
            told.insert("label".to_owned(), Json::Array(labels));
        }
        told.insert(word.to_owned(), reading);
        Json::Object(told)
    };
    let samples: Vec<Json> = family.samples.iter().map(sample).collect();
    json!({ "name": family.name, "help": family.help, "type": kind, "metric": samples })
}

/// Whole numbers without a fraction.
#[expect(clippy::cast_possible_truncation, reason = "within what an i64 holds exactly")]
fn number(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 9e18 {
        json!(value as i64)
    } else {
        json!(value)
    }
}
