//! Whether what is asked is answered by a bundle's Wasm module. OPA asks the module for the entrypoints that its bundle's
//! manifest names, and its own evaluator for all the rest, within one evaluation; here it is one or the other, and what would
//! need both is refused. A bundle with a plan runs its plan.

#[cfg(feature = "wasm")]
use std::sync::Arc;

use super::policy::Policy;
use super::steps::Demand;
use crate::EngineError;
use crate::bundle::WasmEntry;
use crate::collection::{Collection, DataPath, Member};
use crate::compilation::{Target, Wanted};

/// The module that answers the decision, with how each of the wanted paths is asked; `None` where no module does.
pub(super) fn find(
    collection: &Collection,
    demand: &Demand,
) -> Result<Option<(Policy, Vec<Target>)>, EngineError> {
    let wanted = &demand.wanted;
    let Some(decision) = wanted.first() else {
        return Ok(None);
    };
    let answers = answered(collection).find(|(_, entry)| is_at(entry, &decision.path));
    let Some((member, entry)) = answers else {
        return Ok(None);
    };
    let missing = || {
        refused(format!(
            "the manifest of bundle `{}` says that `{}` is answered by `{}`, which is not in the bundle",
            member.name, entry.entrypoint, entry.module
        ))
    };
    let wasm = member.bundle.file(&entry.module).ok_or_else(missing)?;
    let policy = load(wasm, demand, &decision.path)?;
    let names = policy.entrypoints();
    let targets = wanted
        .iter()
        .map(|wanted| target(collection, (member, entry), &names, &wanted.path))
        .collect::<Result<Vec<Target>, EngineError>>()?;
    Ok(Some((policy, targets)))
}

/// That nothing is asked of Rego whose rules are in part in a module: compiled without it, they would be silently undefined.
pub(super) fn check_beside(collection: &Collection, wanted: &[Wanted]) -> Result<(), EngineError> {
    let Some((member, entry)) = answered(collection).next() else {
        let bare = collection.members().iter().find(|member| {
            member.bundle.file("policy.wasm").is_some()
                && member.bundle.plan().is_none()
                && member.bundle.manifest().wasm.is_empty()
        });
        return match bare {
            Some(member) if collection.modules().is_empty() => Err(refused(format!(
                "the manifest of bundle `{}` doesn't say what it answers (`wasm`), so that OPA wouldn't ask it either; build it \
                 with `opa build -t wasm -e {} …`",
                member.name,
                path(wanted)
            ))),
            _ => Ok(()),
        };
    };
    if collection.modules().is_empty() {
        return Err(EngineError::NoSuchEntrypoint {
            wanted: path(wanted),
            available: answered(collection)
                .map(|(_, entry)| entry.entrypoint.clone())
                .collect(),
        });
    }
    Err(refused(format!(
        "bundle `{}` answers `{}` by a module and not `{}`, which may be Rego that refers to it; build the bundle with \
         `-e {2}`, too",
        member.name,
        entry.entrypoint,
        path(wanted)
    )))
}

fn path(wanted: &[Wanted]) -> String {
    wanted
        .first()
        .map(|wanted| wanted.path.name())
        .unwrap_or_default()
}

/// What modules answer, of bundles that have no plan to be run in their place.
fn answered(collection: &Collection) -> impl Iterator<Item = (&Member, &WasmEntry)> {
    let members = collection
        .members()
        .iter()
        .filter(|member| member.bundle.plan().is_none());
    members.flat_map(|member| {
        member
            .bundle
            .manifest()
            .wasm
            .iter()
            .map(move |entry| (member, entry))
    })
}

fn is_at(entry: &WasmEntry, path: &DataPath) -> bool {
    DataPath::of_entrypoint(&entry.entrypoint) == *path
}

fn target(
    collection: &Collection,
    (member, module): (&Member, &WasmEntry),
    names: &[String],
    path: &DataPath,
) -> Result<Target, EngineError> {
    if let Some((other, entry)) = answered(collection).find(|(_, entry)| is_at(entry, path)) {
        let name = names.iter().find(|name| DataPath::of_entrypoint(name) == *path);
        return match name {
            Some(name) if other.name == member.name && entry.module == module.module => {
                Ok(Target::Entrypoint(name.clone()))
            }
            Some(_) => Err(refused(format!(
                "`{}` and `{}` are answered by two modules; build one of both",
                module.entrypoint, entry.entrypoint
            ))),
            None => Err(EngineError::NoSuchEntrypoint {
                wanted: path.name(),
                available: names.to_vec(),
            }),
        };
    }
    // What `opa build` leaves of a policy's Rego beside its module has packages, and may have rules.
    let beside = collection.modules().iter().find(|rego| path.meets(&rego.package));
    match beside {
        None => Ok(Target::Data),
        Some(rego) => Err(refused(format!(
            "it has no entrypoint `{}`, and {} may have a rule there, which isn't asked beside a module; build the bundle with \
             `-e {0}`, too",
            path.name(),
            rego.id
        ))),
    }
}

fn refused(problem: String) -> EngineError {
    EngineError::Wasm(problem)
}

#[cfg(feature = "wasm")]
fn load(wasm: &[u8], demand: &Demand, _: &DataPath) -> Result<Policy, EngineError> {
    let module = crate::WasmModule::load(wasm, demand.http_send)?;
    Ok(Policy::Wasm(Arc::new(module)))
}

#[cfg(not(feature = "wasm"))]
fn load(_: &[u8], _: &Demand, decision: &DataPath) -> Result<Policy, EngineError> {
    Err(EngineError::WasmAbsent {
        entrypoint: decision.name(),
    })
}
