use std::sync::Arc;

use postern_policy::{Engine, Entrypoint, Env, Stopped};

use super::super::event::About;
use super::*;

/// A policy that answers each entrypoint with one value, or an error where there is none.
struct Fixed(Vec<(&'static str, Option<&'static str>)>);

impl Engine for Fixed {
    fn revision(&self) -> &str {
        ""
    }

    fn entrypoints(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn entrypoint(&self, path: &str) -> Option<Entrypoint> {
        let at = self.0.iter().position(|(name, _)| *name == path)?;
        Some(Entrypoint::from_index(u32::try_from(at).ok()?))
    }

    fn evaluate(
        &self,
        entrypoint: Entrypoint,
        input: Option<&Value>,
        _: &Env,
    ) -> Result<Option<Value>, EngineError> {
        let (_, answer) = &self.0[entrypoint.index() as usize];
        let input = input.expect("the event is the input");
        assert_eq!(input.get("decision_id"), Some(&Value::from("an id")));
        match answer {
            Some("") => Ok(None),
            Some(json) => Ok(Some(Value::from_json_str(json).unwrap())),
            None => Err(EngineError::Evaluation(Stopped::internal("no"))),
        }
    }
}

fn event() -> Event {
    Event {
        input: Some(Value::object_from([("secret", "x")])),
        result: Some(Value::Bool(true)),
        nd_builtin_cache: None,
        erased: Vec::new(),
        masked: Vec::new(),
        failure: None,
        about: About {
            decision_id: "an id".to_owned(),
            ..About::default()
        },
    }
}

fn fate(answers: &[(&'static str, Option<&'static str>)]) -> Fate {
    let policy = ActivePolicy::new(Arc::new(Fixed(answers.to_vec())), Entrypoint::from_index(0));
    judge(
        event(),
        Some(&policy),
        ("drop", "mask"),
        Now { unix_ns: 1 },
        || [0; 32],
    )
}

#[test]
fn an_event_is_told_as_it_is_where_policy_says_nothing() {
    for answers in [
        &[][..],
        &[("other", None)],
        &[("drop", Some("")), ("mask", Some(""))],
        &[("drop", Some("false")), ("mask", Some("[]"))],
        // Only `true` drops.
        &[("drop", Some("1"))],
        &[("drop", Some("{}"))],
    ] {
        assert_eq!(fate(answers), Fate::Told(Box::new(event())), "{answers:?}");
    }
    let without_policy = judge(event(), None, ("drop", "mask"), Now { unix_ns: 1 }, || [0; 32]);
    assert_eq!(without_policy, Fate::Told(Box::new(event())));
}

#[test]
fn an_event_is_dropped_where_policy_wants_it_dropped() {
    assert_eq!(fate(&[("drop", Some("true")), ("mask", None)]), Fate::Dropped);
}

#[test]
fn an_event_is_told_without_what_is_masked() {
    let Fate::Told(event) = fate(&[("mask", Some(r#"["/input/secret"]"#))]) else {
        panic!("it is told");
    };
    assert_eq!(event.input, Some(Value::object_from::<&str, Value, _>([])));
    assert_eq!(event.erased, ["/input/secret"]);
}

#[test]
fn an_event_is_lost_where_it_cant_be_known_what_may_be_told() {
    for (answers, want) in [
        (&[("drop", None)][..], "the drop decision failed"),
        (&[("mask", None)], "the mask decision failed"),
        (&[("mask", Some("true"))], "the mask decision can't be read"),
        (
            &[("mask", Some(r#"["/labels"]"#))],
            "the mask decision can't be read",
        ),
    ] {
        let Fate::Lost(problem) = fate(answers) else {
            panic!("{answers:?} lets it be told");
        };
        assert!(problem.starts_with(want), "{problem}");
    }
}
