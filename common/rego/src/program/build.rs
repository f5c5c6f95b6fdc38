//! Builds a program from a plan: resolves functions and builtins, lowers every body, refuses what can't run.

mod emit;
mod recursion;
mod variants;

use std::sync::Arc;

use recursion::refuse_recursion;
use variants::share_results;

use super::body::{self, Body};
use super::constants::Constants;
use super::index::{self, Early, Index, Rules, Search, Virtual};
use super::op::{Address, Asked, BuiltinCall, Call, DynamicCall, Function, Local, Op, Operand, Path, With};
use super::optimize::{self, Range, Tables};
use super::paths::Paths;
use super::prints;
use super::rules::Rule;
use super::{Builtin, Entrypoint, HostBuiltins, Planted, Program, Spot};
use crate::builtins;
use crate::error::{LoadError, Place};
use crate::hash::{HashMap, HashSet};
use crate::plan::{Location, Plan};
use crate::reads::{self, Reach};
use crate::value::Value;

/// The locals that an entrypoint finds `input` and `data` in.
const ENTRYPOINT_PARAMS: [i64; 2] = [0, 1];

/// A program that is being built.
pub(super) struct Builder<'p> {
    plan: &'p Plan,
    pub(super) planted: Planted,
    pub(super) constants: Constants,
    /// The constants when all code is there.
    made: Vec<Value>,
    pub(super) code: Vec<Op>,
    pub(super) calls: Vec<Call>,
    pub(super) builtin_calls: Vec<BuiltinCall>,
    pub(super) dynamic_calls: Vec<DynamicCall>,
    pub(super) withs: Vec<With>,
    pub(super) indices: Vec<Index>,
    walks: Vec<Path>,
    pub(super) places: Vec<Box<[Operand]>>,
    bodies: Vec<Range>,
    spots: Vec<Spot>,
    pub(super) rules: Vec<Rule>,
    functions: HashMap<Arc<str>, u32>,
    /// The functions of which keys are asked, and for each its variant and how many keys that takes.
    asked: HashSet<Arc<str>>,
    variants: HashMap<Arc<str>, (u32, usize)>,
    /// The same of those of whose results one is asked for.
    asked_results: HashSet<Arc<str>>,
    result_variants: HashMap<Arc<str>, u32>,
    builtins: HashMap<Arc<str>, u32>,
    /// Of the functions, in their order, then of the entrypoints.
    names: Vec<Arc<str>>,
}

/// Builds the program of `plan`.
pub(super) fn build(
    plan: &Plan,
    known: &Virtual,
    host: &dyn HostBuiltins,
    planted: Planted,
) -> Result<Program, LoadError> {
    let resolved = resolve(plan, host)?;
    let mut builder = Builder::new(plan, planted)?;
    let mut functions = Vec::with_capacity(plan.functions.len());
    let mut called = Vec::with_capacity(plan.functions.len());
    let mut paths = Paths::default();
    let mut memos = 0;
    let mut variants = Vec::new();
    for (function, index) in plan.functions.iter().zip(0..) {
        if function.params.len() < 2 {
            let problem = "expected the parameters to begin with input and data".to_owned();
            return Err(LoadError::Invalid {
                problem,
                place: builder.place(index, Location::default()),
            });
        }
        let first_call = builder.calls.len();
        let rules = index::rules(function);
        let search = rules
            .as_ref()
            .map(|rules| (rules, builder.search(known, function, rules)));
        let own_params = u32::try_from(function.params.len().saturating_sub(2)).unwrap_or(0);
        // Where several values are looked for, which may be equal and written in several ways.
        let looks_on = matches!(&search, Some((_, search)) if search.early != Early::Always);
        let body = builder.body(
            index,
            &function.params,
            &function.blocks,
            search,
            Op::ReturnUndefined,
        )?;
        called.push(
            builder
                .calls
                .iter()
                .skip(first_call)
                .map(|call| builder.base(call.function, &variants))
                .collect::<Vec<_>>(),
        );
        if !function.path.is_empty() && !paths.add(&function.path, index) {
            return Err(LoadError::DefinedTwice {
                kind: "path",
                name: function.path.join("/"),
            });
        }
        let memo = (function.params.len() == 2).then_some(memos);
        memos += u32::from(memo.is_some());
        functions.push(Function {
            name: function.name.clone(),
            entry: body.entry,
            params: u32::try_from(function.params.len()).unwrap_or(u32::MAX),
            locals: body.locals,
            memo,
            asked: (own_params > 0 && looks_on).then_some(Asked::Arguments {
                count: own_params,
                always: false,
            }),
        });
        if let Some(rules) = &rules
            && let Some(variant) =
                builder.make_variant(known, (function, index), rules, memo, variants.len())?
        {
            variants.push((index, variant));
        }
    }
    functions.extend(
        std::mem::take(&mut variants)
            .into_iter()
            .map(|(_, variant)| variant),
    );
    refuse_recursion(&called, &functions)?;
    prints::remember(plan, &called, &mut functions);
    share_results(&mut functions);
    let mut entrypoints: Vec<Entrypoint> = Vec::with_capacity(plan.entrypoints.len());
    for (entrypoint, index) in plan.entrypoints.iter().zip(builder.first_entrypoint()..) {
        if entrypoints.iter().any(|other| other.name == entrypoint.name) {
            return Err(LoadError::DefinedTwice {
                kind: "entrypoint",
                name: entrypoint.name.to_string(),
            });
        }
        let body = builder.body(index, &ENTRYPOINT_PARAMS, &entrypoint.blocks, None, Op::Finish)?;
        entrypoints.push(Entrypoint {
            name: entrypoint.name.clone(),
            entry: body.entry,
            locals: body.locals,
            reach: Reach::ALL,
        });
    }
    shorten_jumps(&mut builder.code);
    builder.optimize(&mut functions, &mut entrypoints);
    for (entrypoint, reach) in entrypoints.iter_mut().zip(reads::analyse(plan, host)) {
        entrypoint.reach = reach;
    }
    Ok(Program {
        code: builder.code,
        spots: builder.spots,
        rules: builder.rules,
        names: builder.names,
        files: plan.files.clone(),
        constants: builder.made,
        calls: builder.calls,
        builtin_calls: builder.builtin_calls,
        dynamic_calls: builder.dynamic_calls,
        withs: builder.withs,
        indices: builder.indices,
        walks: builder.walks,
        places: builder.places,
        builtins: resolved,
        functions,
        paths,
        memos,
        entrypoints,
    })
}

/// Lets operations that go to a jump go where it leads.
fn shorten_jumps(code: &mut [Op]) {
    /// Longer chains stay; there is no need to look for circles in them.
    const LONGEST: usize = 16;
    for at in 0..code.len() {
        let follow = |to: Address| match code.get(to as usize) {
            Some(Op::Jump { to }) => Some(*to),
            _ => None,
        };
        let Some(exit) = code.get(at).and_then(Op::exit) else {
            continue;
        };
        let target = std::iter::successors(Some(exit), |to| follow(*to))
            .take(LONGEST)
            .last();
        if let (Some(op), Some(target)) = (code.get_mut(at), target) {
            op.set_exit(target);
        }
    }
}

/// Finds every builtin that the plan declares: the host's first, then this crate's.
fn resolve(plan: &Plan, host: &dyn HostBuiltins) -> Result<Vec<Builtin>, LoadError> {
    let find = |name: &str| host.builtin(name).or_else(|| builtins::lookup(name));
    plan.builtins
        .iter()
        .map(|decl| match find(&decl.name) {
            Some(function) => Ok(Builtin {
                name: decl.name.clone(),
                function,
                has_result: decl.has_result,
            }),
            None => Err(LoadError::UnknownBuiltin(decl.name.to_string())),
        })
        .collect()
}

fn index_names<'a>(
    kind: &'static str,
    names: impl Iterator<Item = &'a Arc<str>>,
) -> Result<HashMap<Arc<str>, u32>, LoadError> {
    let mut indices = HashMap::default();
    for (name, index) in names.zip(0..) {
        if indices.insert(name.clone(), index).is_some() {
            return Err(LoadError::DefinedTwice {
                kind,
                name: name.to_string(),
            });
        }
    }
    Ok(indices)
}

impl<'p> Builder<'p> {
    fn new(plan: &'p Plan, planted: Planted) -> Result<Self, LoadError> {
        let names = plan.functions.iter().map(|function| function.name.clone());
        let names = names.chain(plan.entrypoints.iter().map(|entrypoint| entrypoint.name.clone()));
        let too_many = LoadError::TooLarge {
            what: "the number of strings",
            bound: Operand::BOUND / 2,
            place: Place::default(),
        };
        let asked = index::asked(plan);
        Ok(Builder {
            plan,
            planted,
            constants: Constants::new(&plan.strings).ok_or(too_many)?,
            made: Vec::new(),
            code: Vec::new(),
            calls: Vec::new(),
            builtin_calls: Vec::new(),
            dynamic_calls: Vec::new(),
            withs: Vec::new(),
            indices: Vec::new(),
            walks: Vec::new(),
            places: Vec::new(),
            bodies: Vec::new(),
            spots: Vec::new(),
            rules: Vec::new(),
            functions: index_names("function", plan.functions.iter().map(|function| &function.name))?,
            asked_results: index::asked_results(plan, &asked),
            asked,
            variants: HashMap::default(),
            result_variants: HashMap::default(),
            builtins: index_names("builtin", plan.builtins.iter().map(|builtin| &builtin.name))?,
            names: names.collect(),
        })
    }

    fn first_entrypoint(&self) -> u32 {
        u32::try_from(self.plan.functions.len()).unwrap_or(u32::MAX)
    }

    /// Lowers a body. One that writes its own `input` or `data` hands none of its callees the world it was given.
    fn body(
        &mut self,
        name: u32,
        params: &[i64],
        blocks: &[crate::plan::Block],
        search: Option<(&Rules<'_>, Search<'p>)>,
        last: Op,
    ) -> Result<body::Lowered, LoadError> {
        let (first_call, first_dynamic) = (self.calls.len(), self.dynamic_calls.len());
        let lowered = Body::lower(self, name, params, blocks, search, last)?;
        self.bodies.push(Range {
            start: lowered.entry,
            end: Address::try_from(self.code.len()).unwrap_or(Address::MAX),
            params: Local::try_from(params.len()).unwrap_or(Local::MAX),
            locals: lowered.locals,
        });
        if lowered.writes_world {
            self.calls
                .iter_mut()
                .skip(first_call)
                .for_each(|call| call.same_world = false);
            self.dynamic_calls
                .iter_mut()
                .skip(first_dynamic)
                .for_each(|call| call.same_world = false);
        }
        Ok(lowered)
    }

    /// How the rules of a function are searched.
    fn search(&self, known: &Virtual, function: &crate::plan::Function, rules: &Rules<'_>) -> Search<'p> {
        let mut search = index::search(self.plan, &self.functions, known, function, rules);
        if self.planted.no_index {
            search.index = None;
        }
        if self.planted.no_early_exit || (search.early == Early::ByValue && search.index.is_none()) {
            search.early = Early::Never;
        }
        if let Some(index) = &mut search.index {
            index.is_wrong = self.planted.wrong_index;
        }
        search
    }

    /// Rewrites the code and moves what is left of it together.
    fn optimize(&mut self, functions: &mut [Function], entrypoints: &mut [Entrypoint]) {
        let mut constants = std::mem::take(&mut self.constants).finish();
        let mut tables = Tables {
            constants: &mut constants,
            calls: &mut self.calls,
            builtin_calls: &mut self.builtin_calls,
            dynamic_calls: &mut self.dynamic_calls,
            withs: &mut self.withs,
            paths: &mut self.walks,
            places: &mut self.places,
            effort: optimize::EFFORT,
        };
        optimize::optimize(&mut self.code, &mut self.bodies, &mut tables);
        let left: HashMap<Address, Local> =
            self.bodies.iter().map(|body| (body.start, body.locals)).collect();
        let functions_own = functions.iter_mut().map(|it| (it.entry, &mut it.locals));
        let entrypoints_own = entrypoints.iter_mut().map(|it| (it.entry, &mut it.locals));
        for (entry, locals) in functions_own.chain(entrypoints_own) {
            *locals = left.get(&entry).copied().unwrap_or(*locals);
        }
        let functions = functions.iter_mut().map(|function| &mut function.entry);
        let entrypoints = entrypoints.iter_mut().map(|entrypoint| &mut entrypoint.entry);
        // Where an index leads to moves with the code, too.
        let indices = self.indices.iter_mut();
        let found = indices.flat_map(|index| index.groups.iter_mut().chain([&mut index.done]));
        let mut entries: Vec<&mut Address> = functions.chain(entrypoints).chain(found).collect();
        let mut spots = Vec::with_capacity(self.spots.len());
        optimize::compact(&mut self.code, &mut entries, |at| {
            spots.extend(self.spots.get(at));
        });
        self.spots = spots;
        self.made = constants;
    }

    /// A function of the plan and how many parameters it has.
    pub(super) fn function(&self, name: &str) -> Option<(u32, usize)> {
        let index = *self.functions.get(name)?;
        Some((index, self.plan.functions.get(index as usize)?.params.len()))
    }

    pub(super) fn builtin(&self, name: &str) -> Option<u32> {
        self.builtins.get(name).copied()
    }
}
