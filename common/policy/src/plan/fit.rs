//! Whether a bundle's own plan is the policy of all that is active, so that nothing need be compiled: it has what is asked,
//! nothing in it looks where others have rules, and it isn't visibly older than the bundle's Rego.
//!
//! A plan names the files that it was built from, and nothing of their text: one that was built from an earlier version of
//! the same files can't be told from a newer one, nor can one that misses a file which only adds rules. Build both in one
//! step (`postern bundle build`, `opa build`), and sign what comes out.

use postern_rego::{Program, Reads};

use super::HttpSend;
use crate::collection::{Collection, DataPath, Member, Segment};
use crate::compilation::{Target, Wanted};
use crate::{EngineError, PlanFile};

/// A plan that is the policy.
#[derive(Debug)]
pub struct Fit {
    /// The loaded plan.
    pub program: Program,
    /// How each of the wanted paths is asked of it.
    pub targets: Vec<Target>,
}

/// Why the Rego must be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// No bundle that could have the decision has a plan.
    #[error("there is no plan of what is asked ({path})")]
    NoPlan {
        /// What is asked.
        path: String,
    },
    /// The plan can't be run.
    #[error("bundle `{bundle}`: {reason}")]
    Engine {
        /// The bundle.
        bundle: String,
        /// Why.
        reason: EngineError,
    },
    /// There is Rego for a path that is asked, and the plan doesn't have it.
    #[error("the plan of bundle `{bundle}` has no entrypoint `{path}`; it has: {}", .available.join(", "))]
    Entrypoint {
        /// The bundle.
        bundle: String,
        /// What is asked.
        path: String,
        /// What there is.
        available: Vec<String>,
    },
    /// The plan looks at a place where another part has rules, which OPA would compile with it.
    #[error(
        "the plan of bundle `{bundle}` refers to {path}, where {other} has rules that it was built without"
    )]
    Leaves {
        /// The bundle.
        bundle: String,
        /// Where it looks.
        path: String,
        /// Who is there.
        other: String,
    },
    /// The plan was built from a file that the bundle doesn't have.
    #[error(
        "the plan of bundle `{bundle}` is older than its Rego: it was built from {file}, which the bundle doesn't have"
    )]
    Older {
        /// The bundle.
        bundle: String,
        /// The file.
        file: String,
    },
}

/// Looks for a plan that may run as it is.
///
/// # Errors
/// Why there is none.
pub fn fit(collection: &Collection, wanted: &[Wanted], http_send: HttpSend) -> Result<Fit, Unfit> {
    let decision = wanted
        .first()
        .map(|wanted| wanted.path.clone())
        .unwrap_or_default();
    let (member, plan) = planned(collection, &decision).ok_or_else(|| Unfit::NoPlan {
        path: decision.name(),
    })?;
    let bundle = || member.name.clone();
    let program = http_send.program(plan).map_err(|reason| Unfit::Engine {
        bundle: bundle(),
        reason,
    })?;
    let targets = wanted
        .iter()
        .map(|wanted| target(collection, member, &program, &wanted.path))
        .collect::<Result<Vec<Target>, Unfit>>()?;
    older(member, &program)?;
    let others: Vec<(Vec<String>, String)> = others(collection, member).collect();
    for (path, other) in &others {
        if let Some(place) = leaves(&program, wanted, &targets, path) {
            return Err(Unfit::Leaves {
                bundle: bundle(),
                path: place,
                other: other.clone(),
            });
        }
    }
    Ok(Fit { program, targets })
}

/// The bundle whose plan it could be: that which owns the decision, or the only one that has a plan.
fn planned<'c>(collection: &'c Collection, decision: &DataPath) -> Option<(&'c Member, PlanFile<'c>)> {
    let plans = || {
        collection
            .members()
            .iter()
            .filter_map(|member| Some((member, member.bundle.plan()?)))
    };
    let names: Vec<&str> = decision
        .segments()
        .iter()
        .map_while(|segment| match segment {
            Segment::Name(name) => Some(name.as_str()),
            Segment::Number(_) => None,
        })
        .collect();
    let owner = plans().find(|(member, _)| member.bundle.manifest().owns(&names));
    owner.or_else(|| {
        let mut all = plans();
        all.next().filter(|_| all.next().is_none())
    })
}

fn target(
    collection: &Collection,
    member: &Member,
    program: &Program,
    path: &DataPath,
) -> Result<Target, Unfit> {
    // Plans name entrypoints as they were typed, `/a/b` say.
    let spelled = |name: &&str| DataPath::of_entrypoint(name) == *path;
    let found = program.entrypoints().find(spelled).map(str::to_owned);
    match found {
        Some(name) => Ok(Target::Entrypoint(name)),
        // A bundle without Rego has no more rules than its plan.
        None if !collection.may_have_rules(path) && !has_rules(program, path) => Ok(Target::Data),
        None => Err(Unfit::Entrypoint {
            bundle: member.name.clone(),
            path: path.name(),
            available: program.entrypoints().map(str::to_owned).collect(),
        }),
    }
}

/// Whether a plan has rules at, above or below a path.
fn has_rules(program: &Program, path: &DataPath) -> bool {
    program.rule_paths().iter().any(|rule| {
        let rule: Vec<String> = rule.iter().map(ToString::to_string).collect();
        path.meets(&rule)
    })
}

/// Where other parts than this bundle have rules, and who they are.
fn others<'c>(
    collection: &'c Collection,
    member: &'c Member,
) -> impl Iterator<Item = (Vec<String>, String)> + 'c {
    let modules = collection
        .modules()
        .iter()
        .filter(|module| module.bundle.as_ref() != Some(&member.name));
    let modules = modules.map(|module| (module.package.clone(), module.id.clone()));
    // Of a bundle with nothing but a plan, or with a Wasm module, it isn't known where its rules are.
    let closed = collection.members().iter().filter(|other| {
        let has_plan_alone = other.bundle.plan().is_some() && other.bundle.modules().next().is_none();
        other.name != member.name && (has_plan_alone || !other.bundle.manifest().wasm.is_empty())
    });
    let closed = closed.flat_map(|other| {
        let roots = other.bundle.manifest().roots.iter();
        roots.map(|root| {
            (
                root.split('/').map(str::to_owned).collect(),
                format!("bundle `{}`", other.name),
            )
        })
    });
    modules.chain(closed)
}

/// The place at which the plan, as far as it is used, meets the rules of a package that it was built without.
fn leaves(program: &Program, wanted: &[Wanted], targets: &[Target], package: &[String]) -> Option<String> {
    let overlaps = |path: &[String]| path.iter().zip(package).all(|(a, b)| a == b);
    let own = program.rule_paths().into_iter().find_map(|rule| {
        let rule: Vec<String> = rule.iter().map(ToString::to_string).collect();
        overlaps(&rule).then(|| format!("data.{}", rule.join(".")))
    });
    if own.is_some() {
        return own;
    }
    targets.iter().zip(wanted).find_map(|(target, wanted)| {
        let Target::Entrypoint(name) = target else {
            return None;
        };
        if wanted.path.meets(package) {
            return Some(wanted.path.to_string());
        }
        let reads = program.data_reads(program.entrypoint(name)?);
        read_at(reads, package).then(|| format!("data.{}", package.join(".")))
    })
}

/// Whether something at, above or below a path is read.
fn read_at(reads: &Reads, path: &[String]) -> bool {
    let mut at = reads;
    for (depth, name) in path.iter().enumerate() {
        match at.member(name) {
            // Named, and nothing of it: whether it is there, which depends on what others have there.
            None => return depth > 0 && *at == Reads::nothing(),
            Some(below) => at = below,
        }
    }
    true
}

fn older(member: &Member, program: &Program) -> Result<(), Unfit> {
    let modules: Vec<&str> = member.bundle.modules().map(|(path, _)| path).collect();
    if modules.is_empty() {
        return Ok(());
    }
    // opa names files after the paths that it was given, and bundles are packed with other tools, too.
    let is_end = |whole: &str, end: &str| {
        whole
            .strip_suffix(end)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    let known = |file: &str| {
        modules
            .iter()
            .any(|module| is_end(module, file) || is_end(file, module))
    };
    let file = program
        .files()
        .map(|file| file.trim_start_matches("./").trim_start_matches('/'));
    match { file }.find(|file| !file.is_empty() && !known(file)) {
        Some(file) => Err(Unfit::Older {
            bundle: member.name.clone(),
            file: file.to_owned(),
        }),
        None => Ok(()),
    }
}
