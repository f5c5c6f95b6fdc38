//! `/health` and what is below it (OPA's `unversionedGetHealth`, `unversionedGetHealthWithPolicy`).

use std::fmt::Write;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::percent_decode_str;
use postern_policy::{EngineError, Value};

use super::{Api, answers, query};
use crate::clock;
use crate::opa::status::{PluginState, Shown};

/// Where policy says how this process does.
const ROOT: &str = "system/health";

/// Whether this process could decide, and with `?bundles` and `?plugins` whether all that is configured runs.
pub(super) async fn health(State(api): State<Api>, request: Request) -> Response {
    let uri = request.uri();
    let shown = api.status.shown();
    let wants_bundles = query::flag(uri, "bundle") || query::flag(uri, "bundles");
    if wants_bundles && !bundles_are_active(&shown) {
        return answers::health(Some(not_activated(&shown)));
    }
    if query::flag(uri, "plugins") {
        let excluded = query::values(uri, "exclude-plugin");
        let mut states = shown.plugins.iter().filter(|(name, _)| !excluded.contains(name));
        if states.any(|(_, state)| *state != PluginState::Ok) {
            return answers::health(Some("one or more plugins are not up".to_owned()));
        }
    }
    answers::health(None)
}

fn bundles_are_active(shown: &Shown) -> bool {
    let is_ok = |name: &str| {
        shown
            .plugins
            .get(name)
            .is_none_or(|state| *state == PluginState::Ok)
    };
    is_ok("discovery") && is_ok("bundle")
}

fn not_activated(shown: &Shown) -> String {
    const PROBLEM: &str = "one or more bundles are not activated";
    let inactive = shown.bundles.values().filter(|bundle| !bundle.is_active());
    let names: Vec<&str> = inactive.map(|bundle| bundle.name.as_str()).collect();
    if names.is_empty() {
        return PROBLEM.to_owned();
    }
    format!("{PROBLEM}: {}", names.join(", "))
}

/// What the policy `data.system.health.<path>` says: `true`, or this process isn't well.
pub(super) async fn by_policy(State(api): State<Api>, request: Request) -> Response {
    let path = request.uri().path();
    if path.ends_with('/') {
        return answers::without_slash(request).await;
    }
    let below = path.strip_prefix("/health/").unwrap_or_default();
    let segments: Vec<String> = below
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    if let Some(segment) = segments.iter().find(|segment| segment.contains('"')) {
        let problem = format!("invalid path: invalid ref term '{segment}'");
        return answers::error(StatusCode::BAD_REQUEST, "invalid_parameter", &problem);
    }
    let asked = reference(&segments);
    answers::health(match ask(&api, &segments) {
        Ok(Some(Value::Bool(true))) => None,
        Ok(Some(_)) => Some(format!("health check ({asked}) returned unexpected value")),
        Ok(None) => Some(format!("health check ({asked}) was undefined")),
        Err(error) => Some(error.to_string()),
    })
}

/// Asks the policy in force, by the nearest entrypoint that it has: what is asked itself, or something above it.
fn ask(api: &Api, segments: &[String]) -> Result<Option<Value>, EngineError> {
    let snapshot = api.published.load();
    let Some(policy) = snapshot.policy.as_deref() else {
        return Ok(None);
    };
    let shown = api.status.shown();
    let states = shown
        .plugins
        .iter()
        .map(|(name, state)| (name.as_str(), state.as_str()));
    let input = Value::object_from([
        ("plugin_state", Value::object_from(states)),
        ("plugins_ready", Value::from(api.status.was_ready())),
    ]);
    for depth in (0..=segments.len()).rev() {
        let (above, below) = segments.split_at_checked(depth).unwrap_or_default();
        let name = above
            .iter()
            .fold(ROOT.to_owned(), |name, segment| name + "/" + segment);
        let Some(entrypoint) = policy.engine().entrypoint(&name) else {
            continue;
        };
        let env = policy.env(clock::now(), *api.randomness.secret());
        let answer = policy.engine().evaluate(entrypoint, Some(&input), &env)?;
        let member = |value: Value, name: &String| {
            let number = name.parse::<i64>().ok().map(Value::from);
            value
                .lookup(&number.unwrap_or_else(|| Value::from(name.as_str())))
                .cloned()
        };
        return Ok(below
            .iter()
            .try_fold(answer, |value, name| Some(member(value?, name)))
            .flatten());
    }
    Ok(None)
}

/// The path as Rego writes it.
fn reference(segments: &[String]) -> String {
    let mut text = "data.system.health".to_owned();
    for segment in segments {
        let mut letters = segment.chars();
        let is_name = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        // Writing to a string doesn't fail.
        let _ = if is_name {
            write!(text, ".{segment}")
        } else if segment.parse::<i64>().is_ok() {
            write!(text, "[{segment}]")
        } else {
            write!(text, "[{}]", Value::from(segment.as_str()).to_json())
        };
    }
    text
}
