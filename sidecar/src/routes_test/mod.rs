//! `routes test`: which route a request meets, and why. Asks the very matcher that checks use; decides nothing, reads no
//! credential.

mod question;
mod words;

use std::fmt;
use std::path::Path;

use postern_config::Document;
use postern_decide::path::{AmbiguousPath, CanonicalPath, canonical};
use postern_decide::routes::{PathMode, Target};
use postern_decide::{Route, Routes};

use question::Request;
pub(crate) use question::{Question, QuestionError};

/// What becomes of the request.
#[derive(Debug)]
pub(crate) struct Answer {
    request: Request,
    /// The canonical path, and what of the one that came is ambiguous.
    path: Result<(String, Option<AmbiguousPath>), AmbiguousPath>,
    /// Earlier routes: name, line, what the request doesn't meet.
    passed_over: Vec<(Place, String)>,
    /// The route that was met.
    met: Option<(Place, Vec<(&'static str, String)>)>,
    /// The route is strict, and the path isn't.
    refused: bool,
}

/// A route, and where it stands.
#[derive(Debug)]
struct Place {
    name: String,
    line: Option<u64>,
}

/// Asks `routes`, which were read from `file`.
///
/// # Errors
/// When the question isn't one.
pub(crate) fn answer(question: &Question, routes: &Routes, file: &Path) -> Result<Answer, QuestionError> {
    let request = question.request()?;
    // The lines are a service; the routes have been read already.
    let document = Document::load(file).ok();
    let line = |index: usize| document.as_ref()?.line_of(&["routes", &index.to_string()]);
    let path = canonical(&request.target);
    let mut answer = Answer {
        path: path
            .as_ref()
            .map(|path| (path.to_string(), path.strict().err()))
            .map_err(|error| *error),
        request: request.clone(),
        passed_over: Vec::new(),
        met: None,
        refused: false,
    };
    let Ok(path) = path else { return Ok(answer) };
    let context: Vec<_> = request
        .context
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let target = Target {
        host: &request.host,
        path: path.as_str(),
        method: &request.method,
        context_extensions: &context,
    };
    let found = routes.find(&target);
    for (index, (conditions, route)) in routes.iter().enumerate() {
        let place = Place {
            name: route.name.to_string(),
            line: line(index),
        };
        match conditions.unmet(&target) {
            Some(unmet) => answer.passed_over.push((place, unmet.to_string())),
            None => {
                answer.refused = is_refused(route, &path);
                answer.met = found
                    .filter(|found| found.name == route.name)
                    .map(|route| (place, words::rules(route)));
                break;
            }
        }
    }
    Ok(answer)
}

fn is_refused(route: &Route, path: &CanonicalPath<'_>) -> bool {
    route.paths == PathMode::Strict && path.strict().is_err()
}

impl Answer {
    /// Whether a route takes the request.
    pub(crate) fn taken(&self) -> bool {
        self.met.is_some() && !self.refused
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.request;
        writeln!(
            formatter,
            "request  {} {} {}",
            request.method,
            shown(&request.host),
            request.target
        )?;
        match &self.path {
            Ok((canonical, None)) => writeln!(formatter, "path     {canonical}")?,
            Ok((canonical, Some(why))) => {
                writeln!(formatter, "path     {canonical}, which is not what came: {why}")?;
            }
            Err(why) => {
                writeln!(formatter, "path     none: {why}")?;
                return write!(
                    formatter,
                    "route    none: 400 ambiguous_path, whatever the routes are"
                );
            }
        }
        let width = self
            .passed_over
            .iter()
            .map(|(place, _)| place.name.len())
            .max()
            .unwrap_or_default();
        for (place, unmet) in &self.passed_over {
            writeln!(formatter, "not      {:width$}  {unmet}{}", place.name, place.at())?;
        }
        let Some((place, rules)) = &self.met else {
            return write!(formatter, "route    none: 403 no_route");
        };
        write!(formatter, "route    {}{}", place.name, place.at())?;
        if self.refused {
            return write!(
                formatter,
                ", which refuses it: 400 ambiguous_path (`paths: compat` would take it as the path above)"
            );
        }
        for (name, rule) in rules {
            write!(formatter, "\n{name:8} {rule}")?;
        }
        Ok(())
    }
}

impl Place {
    fn at(&self) -> String {
        self.line
            .map_or_else(String::new, |line| format!(" (line {line})"))
    }
}

fn shown(host: &str) -> &str {
    if host.is_empty() { "(no host)" } else { host }
}
