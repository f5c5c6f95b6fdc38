//! Policy evaluation beside OPA's own: the same Rego, data and input, `opa bench` on one side, the plan machine on the
//! other; time, allocations, and instructions of ours.

mod case;
mod cost;
mod generated;
mod opa;
mod ours;

use super::{Measured, Setting};
use crate::report::{Pairs, Spread, Summary, table};

pub(super) use case::PolicyCase;
use ours::Ours;

/// The table of policies.
const CASES: [&str; 8] = [
    "demo",
    "rbac_30",
    "rbac_100000",
    "abac",
    "rules_1000",
    "jwt_claims",
    "strings",
    "large_object",
];

/// The policy whose loading is measured: a plan of 4 MB.
const LOADED: &str = "rules_1000";

/// As many bindings as a growth is taken over, each in an object keyed by its subject.
const BINDINGS: [usize; 2] = [10, 100_000];

/// `policy_vs_opa`: ns per evaluation of `opa bench` over ours, median over the table of policies. `policy_load_ms`: loading
/// the plan of 1,000 rules.
///
/// # Errors
/// Where `opa` or our engine refuses a policy, or the two don't answer the same.
pub fn policy(setting: &Setting) -> anyhow::Result<Measured> {
    let mut ratios = Vec::new();
    let (mut rows, mut costs) = (Vec::new(), Vec::new());
    let mut summary = Summary::default();
    let mut loading = String::new();
    for name in CASES {
        let case = PolicyCase::read(setting, name)?;
        let ours = Ours::load(setting, &case)?;
        opa::same_answer(setting, &case, &ours)?;
        let (mut whole, mut inner) = (Pairs::default(), Pairs::default());
        let mut last = None;
        for _ in 0..setting.rounds {
            let opa = opa::bench(setting, &case)?;
            let ns = ours.ns_per_evaluation()?;
            whole.push(opa.per_op_ns, ns);
            inner.push(opa.eval_median_ns, ns);
            last = Some(opa);
        }
        if let Some(opa) = last {
            costs.extend(cost::row(setting, &case, &opa)?);
        }
        if name == LOADED {
            let (ms, bytes) = cost::load(setting, &case)?;
            summary.add("policy_load_ms", ms.median);
            loading = format!(
                "Loading a plan of 1,000 rules ({bytes} bytes): {} ms.\n",
                ms.show(1)
            );
        }
        ratios.push(whole.ratio().median);
        rows.push(vec![
            name.to_owned(),
            whole.ours().show(0),
            whole.reference().show(0),
            whole.ratio().show(1),
            inner.ratio().show(1),
        ]);
    }
    summary.add("policy_vs_opa", Spread::of(ratios.into_iter()).median);
    let growth = bindings(setting)?;
    summary.add("growth_bindings", growth.ratio().median);
    let headers = [
        "policy",
        "opa bench ns/op",
        "ours ns/op",
        "ratio",
        "ratio to OPA's eval timer alone",
    ];
    let text = format!(
        "One evaluation, input parsed before on both sides, GOMAXPROCS=1, {} rounds, median (min–max):\n\n{}\n\
         One evaluation, counted by callgrind and by `opa bench`:\n\n{}\n\
         {loading}From {} to {} bindings, keyed by subject: {} ns and {} ns an evaluation, ratio {}.\n",
        setting.rounds,
        table(&headers, &rows),
        cost::costs(&costs),
        BINDINGS[0],
        BINDINGS[1],
        growth.reference().show(0),
        growth.ours().show(0),
        growth.ratio().show(2),
    );
    Ok(Measured { summary, text })
}

/// What an evaluation costs with many bindings, over what it costs with few.
fn bindings(setting: &Setting) -> anyhow::Result<Pairs> {
    let [few, many] = BINDINGS.map(|count| -> anyhow::Result<Ours> {
        Ours::load(setting, &PolicyCase::of_bindings(setting, "rbac", count)?)
    });
    let (few, many) = (few?, many?);
    let mut pairs = Pairs::default();
    for _ in 0..setting.rounds {
        let small = few.ns_per_evaluation()?;
        pairs.push(small, many.ns_per_evaluation()?);
    }
    Ok(pairs)
}
