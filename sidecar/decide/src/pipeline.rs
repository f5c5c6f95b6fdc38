//! The stages of a decision in order, each with what the ones before have proved. Whatever ends one early is a refusal;
//! the last arm denies.

use std::sync::Arc;

use postern_telemetry::Code;

use crate::answer::{Answer, Decision, Outcome, Record, Shadow};
use crate::caches::Caches;
use crate::caller::Caller;
use crate::correlation::Identifiers;
use crate::credentials::{self, Judging};
use crate::entropy::Entropy;
use crate::http_send::Resumption;
use crate::now::Now;
use crate::path::canonical;
use crate::peer;
use crate::policy::{self, Judgement, Question};
use crate::refusal::{About, Refusal};
use crate::revoked::{self, Knowledge};
use crate::routes::{PathMode, PolicyMode, Route, Target};
use crate::snapshot::Snapshot;
use crate::stage::{Stage, Stages};
use crate::step_up;
use crate::view::RequestView;

/// Decides on one request. One snapshot serves the whole check; nothing outside of the arguments is read, and nothing is
/// changed but what `caches` remember.
pub fn decide<S: Stages>(
    snapshot: &Snapshot,
    caches: &Caches,
    request: &RequestView<'_>,
    now: Now,
    entropy: &Entropy,
    stages: &mut S,
) -> Outcome {
    Check::begin(snapshot, caches, request, now, entropy, stages).outcome()
}

/// Goes on with a decision that a request of the policy's interrupted, as [`decide`] would with its answer there: at the
/// same moment, with the same randomness. `resumption` must be of this very request.
pub fn resume<S: Stages>(
    snapshot: &Snapshot,
    caches: &Caches,
    request: &RequestView<'_>,
    resumption: &Resumption,
    stages: &mut S,
) -> Outcome {
    let Resumption { now, entropy, .. } = resumption;
    let mut check = Check::begin(snapshot, caches, request, *now, entropy, stages);
    check.resumed = Some(resumption);
    check.outcome()
}

/// Decides on one request with what is there: what the host could get for it is refused instead.
pub fn settle<S: Stages>(
    snapshot: &Snapshot,
    caches: &Caches,
    request: &RequestView<'_>,
    now: Now,
    entropy: &Entropy,
    stages: &mut S,
) -> Box<Decision> {
    let mut check = Check::begin(snapshot, caches, request, now, entropy, stages);
    let judged = check.run();
    check.end(judged)
}

/// One check under way.
struct Check<'c, S> {
    snapshot: &'c Snapshot,
    caches: &'c Caches,
    request: &'c RequestView<'c>,
    now: Now,
    entropy: &'c Entropy,
    stages: &'c mut S,
    identifiers: Identifiers,
    route: Option<&'c Arc<Route>>,
    record: Record,
    /// What there is of an earlier run of the same check.
    resumed: Option<&'c Resumption>,
}

impl<'c, S: Stages> Check<'c, S> {
    fn begin(
        snapshot: &'c Snapshot,
        caches: &'c Caches,
        request: &'c RequestView<'c>,
        now: Now,
        entropy: &'c Entropy,
        stages: &'c mut S,
    ) -> Self {
        let identifiers = Identifiers::of(&request.http.headers, entropy);
        Self {
            record: Record::begin(
                identifiers.decision_id,
                identifiers.correlation_id.clone(),
                identifiers.trace_parent,
            ),
            snapshot,
            caches,
            request,
            now,
            entropy,
            stages,
            identifiers,
            route: None,
            resumed: None,
        }
    }

    fn outcome(mut self) -> Outcome {
        match self.run() {
            Err(Refusal { need: Some(need), .. }) if self.request.may_wait => Outcome::Needs(*need),
            judged => Outcome::Decided(self.end(judged)),
        }
    }

    fn run(&mut self) -> Result<Judgement, Refusal> {
        let (snapshot, request, now) = (self.snapshot, self.request, self.now.seconds());
        let http = &request.http;

        let path = canonical(http.path)
            .map_err(|error| Refusal::new(Code::AmbiguousPath, format!("the path is ambiguous: {error}")))?;
        let target = Target::of(request, &path);
        let route = snapshot
            .routes
            .find(&target)
            .ok_or_else(|| Refusal::new(Code::NoRoute, "no route takes this request"))?;
        self.route = Some(route);
        self.record.route = Some(Arc::clone(&route.name));
        if route.paths == PathMode::Strict {
            path.strict().map_err(|error| {
                Refusal::new(Code::AmbiguousPath, format!("the path is ambiguous: {error}"))
            })?;
        }
        self.pass(Stage::Route, Stage::Peer);

        let source = request.source.as_ref();
        let peer = peer::identify(source, &http.headers, &route.peer, &self.caches.certificates)?;
        self.record.peer = peer.id.clone();
        self.pass(Stage::Peer, Stage::Credentials);

        let judging = Judging {
            snapshot,
            caches: self.caches,
            request,
            route,
            peer: &peer,
            now,
            spent_proof: self.resumed.and_then(|resumed| resumed.spent_proof),
        };
        let accepted = credentials::judge(&judging, |caller, cached| {
            note_caller(&mut self.record, caller, cached);
        })?;
        let caller = &accepted.caller;
        self.record.binding = caller.binding;
        self.pass(Stage::Credentials, Stage::Revocation);

        let knowledge = revoked::check(&snapshot.revocations, route.revocation, caller, now)?;
        self.record.revocations_stale = knowledge == Knowledge::Stale;
        self.pass(Stage::Revocation, Stage::StepUp);

        if let Some(asked) = &route.step_up {
            step_up::check(asked, caller, now)?;
        }
        self.pass(Stage::StepUp, Stage::Policy);

        let question = Question {
            request,
            caller,
            route,
            path: &path,
            identifiers: &self.identifiers,
            settings: &snapshot.settings,
            fresh_nonce: accepted.fresh_nonce.as_deref(),
            spent_proof: accepted.spent_proof,
            answers: self.resumed.map(|resumed| &resumed.answers),
            spent_time: self.resumed.map(|resumed| resumed.spent_time).unwrap_or_default(),
        };
        let judged = match route.policy {
            PolicyMode::Off => policy::unasked(&question),
            PolicyMode::Enforce => ask(&mut self.record, snapshot, &question, self.now, self.entropy),
            PolicyMode::Shadow => {
                let judged = ask(&mut self.record, snapshot, &question, self.now, self.entropy);
                self.record.shadow = Some(Box::new(shadow(judged, route)));
                policy::unasked(&question)
            }
        }
        .map_err(|refusal| refusal.with_nonce(accepted.fresh_nonce))?;
        if judged.refused.is_none() {
            self.pass(Stage::Policy, Stage::Answer);
        }
        Ok(judged)
    }

    fn pass(&mut self, stage: Stage, next: Stage) {
        self.stages.passed(stage);
        self.record.stage = next;
    }

    fn end(mut self, judged: Result<Judgement, Refusal>) -> Box<Decision> {
        let (answer, refetch) = match judged {
            Ok(Judgement { answer, refused }) => {
                self.record.allowed = refused.is_none();
                if let Some((code, reason)) = refused {
                    self.record.code = Some(code);
                    self.record.reason = Some(reason);
                }
                (answer, None)
            }
            Err(refusal) => {
                let answer = refusal.answer(&About {
                    settings: &self.snapshot.settings,
                    identifiers: &self.identifiers,
                    headers: &self.request.http.headers,
                    route: self.route.map(AsRef::as_ref),
                });
                self.record.left_to_proxy = matches!(answer, Answer::Failed(_));
                self.record.code = Some(refusal.code);
                self.record.reason = Some(refusal.reason);
                (answer, refusal.refetch)
            }
        };
        self.stages.passed(Stage::Answer);
        Box::new(Decision {
            answer,
            refetch,
            record: self.record,
        })
    }
}

/// Asks the policy in force, and notes which that was.
fn ask(
    record: &mut Record,
    snapshot: &Snapshot,
    question: &Question<'_>,
    now: Now,
    entropy: &Entropy,
) -> Result<Judgement, Refusal> {
    let policy = snapshot.policy.as_deref();
    record.policy_revision = policy.map(|policy| Arc::clone(policy.revision()));
    policy::judge(policy, question, now, entropy, &mut record.policy_cache)
}

/// What would have come of it. What it needs isn't got: nothing may wait for what doesn't count.
fn shadow(judged: Result<Judgement, Refusal>, route: &Route) -> Shadow {
    let left_to_proxy = judged
        .as_ref()
        .is_err_and(|refusal| refusal.is_left_to_proxy(Some(route)));
    let refused = match judged {
        Ok(Judgement { refused, .. }) => refused,
        Err(Refusal { code, reason, .. }) => Some((code, reason)),
    };
    let (code, reason) = refused.unzip();
    Shadow {
        code,
        reason,
        left_to_proxy,
    }
}

fn note_caller(record: &mut Record, caller: &Caller, token_cached: bool) {
    record.methods = caller.methods;
    record.caller = caller.identity.clone();
    record.token_cached = token_cached;
}
