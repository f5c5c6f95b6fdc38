//! Log lines as flat JSON objects. tracing-subscriber's own JSON puts a span's fields into a list under `spans`, where
//! nobody's log search finds a correlation id; here they stand at the top level of every line inside the span.

use std::fmt;
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Members that are the line's own; a field with such a name is written with a leading underscore.
const RESERVED: &[&str] = &["timestamp", "level", "component", "target"];

/// A layer that writes each event as one JSON object on a line of its own: `timestamp` (RFC 3339, UTC), `level`,
/// `component`, `target`, `message`, then the fields of the spans around it (`correlation_id`, `trace_id`), outermost
/// first, and its own. Where two have the same name, the inner one counts.
#[derive(Debug)]
pub struct JsonLines<T, W> {
    component: &'static str,
    timer: T,
    writer: W,
    is_indented: bool,
}

impl<T, W> JsonLines<T, W> {
    /// Lines that call their part `component`, timed by `timer`, written to `writer`.
    #[must_use]
    pub fn new(component: &'static str, timer: T, writer: W) -> Self {
        JsonLines {
            component,
            timer,
            writer,
            is_indented: false,
        }
    }

    /// The same, with each object over several lines or not.
    #[must_use]
    pub fn indented(self, is_indented: bool) -> Self {
        JsonLines { is_indented, ..self }
    }
}

impl<S, T, W> Layer<S> for JsonLines<T, W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    T: FormatTime + 'static,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields
                    .0
                    .extend(outer.0.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        event.record(&mut fields);

        let mut timestamp = String::new();
        // A clock that can't be written leaves the member empty: better a line without a time than no line.
        let _ = self.timer.format_time(&mut Writer::new(&mut timestamp));
        let line = Line {
            timestamp: &timestamp,
            level: metadata.level().as_str(),
            component: self.component,
            target: metadata.target(),
            fields: &fields.0,
        };
        // Strings, numbers and a map with string keys: there is nothing in it that could fail.
        let text = if self.is_indented {
            serde_json::to_string_pretty(&line)
        } else {
            serde_json::to_string(&line)
        };
        let Ok(mut text) = text else {
            return;
        };
        text.push('\n');
        // Nobody is left to tell when standard error is closed.
        let _ = self.writer.make_writer_for(metadata).write_all(text.as_bytes());
    }
}

/// A line in the order in which people read it.
#[derive(serde::Serialize)]
struct Line<'a> {
    timestamp: &'a str,
    level: &'a str,
    component: &'a str,
    target: &'a str,
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
}

/// The fields of a span or event, as JSON values.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        let name = if RESERVED.contains(&name) {
            format!("_{name}")
        } else {
            name.to_owned()
        };
        self.0.insert(name, value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut next = value.source();
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        self.put(field, text.into());
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::{CorrelationId, TraceParent, request_span};

    #[test]
    fn a_line_inside_a_request_carries_its_ids_at_the_top_level() {
        let lines = lines_of(|| {
            let id = CorrelationId::parse("req-1").expect("well-formed");
            let trace = TraceParent::generate([0xab; 24]);
            let _request = request_span(&id, &trace).entered();
            let _inner = tracing::info_span!("inner", step = 2).entered();
            tracing::info!(allowed = true, "decided");
        });
        let expected = serde_json::json!({
            "timestamp": "then", "level": "INFO", "component": "sidecar", "target": module_path!(),
            "message": "decided", "correlation_id": "req-1", "trace_id": "ab".repeat(16), "step": 2, "allowed": true,
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn a_line_outside_of_any_request_has_none() {
        let lines = lines_of(|| tracing::warn!("started"));
        assert_eq!(lines[0].get("correlation_id"), None);
        assert_eq!(lines[0]["message"], "started");
    }

    #[test]
    fn fields_recorded_later_are_there_and_the_lines_own_members_cannot_be_forged() {
        let lines = lines_of(|| {
            let span = tracing::info_span!("late", subject = tracing::field::Empty);
            span.record("subject", "alice");
            let _entered = span.entered();
            tracing::info!(level = "none", component = "evil", "two\nlines \"quoted\"");
        });
        assert_eq!(lines.len(), 1, "a message can't make lines of its own");
        assert_eq!(lines[0]["subject"], "alice");
        assert_eq!(lines[0]["level"], "INFO");
        assert_eq!(lines[0]["component"], "sidecar");
        assert_eq!(lines[0]["_component"], "evil");
    }

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Then;

    impl FormatTime for Then {
        fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
            writer.write_str("then")
        }
    }

    fn lines_of(log: impl FnOnce()) -> Vec<Value> {
        let captured = Captured::default();
        let writer = captured.clone();
        let layer = JsonLines::new("sidecar", Then, move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = captured.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}
