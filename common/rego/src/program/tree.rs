//! The rules of one partial object, in the order in which OPA's evaluator visits them, and what is there before any of
//! them succeeds. The planner sorts them in an order of its own, and knows only names as places of documents: in
//! OPA, `q[1][x] := y` makes a document at `q[1]`, which is `{}` where no such rule succeeds (`v1/ast/compile.go`,
//! `NewRuleTree`; `v1/topdown/eval.go`, `evalTree.leaves`).
//!
//! Rules whose heads are constants make one value together, as a complete document does: they become a function of their own
//! (`leaf`).

mod collide;
mod leaf;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::{self, Made, RuleHead};
use crate::plan::{Block, Function, Kind, Location, Operand, Plan, Statement};
use crate::value::Value;

/// Locals that the planner never numbers so.
const FIRST_LOCAL: i64 = i64::MAX - 200;
const VISITED: i64 = FIRST_LOCAL;
const PATH: i64 = FIRST_LOCAL + 1;
const FOUND: i64 = FIRST_LOCAL + 2;
/// Two for each key of a path.
const FIRST_OF_PATH: i64 = FIRST_LOCAL + 3;
/// Longer paths are left as they are.
const MOST_KEYS: usize = 32;

/// What is known of a function that makes an object.
#[derive(Default)]
pub(super) struct Heads {
    /// The constants that the head of each rule begins with.
    pub(super) constants: Vec<Vec<Value>>,
    /// The documents of their own that it consists of.
    pub(super) documents: Documents,
}

/// Where each head at a place has a constant next, the documents at those, in OPA's order, and what they consist of in turn. None
/// where a head has a variable there, or ends.
#[derive(Default)]
pub(super) struct Documents(pub(super) Vec<(index::Key, Documents)>);

/// Puts the rules of each partial object into OPA's order, and gives what is known of each function.
pub(super) fn arrange(plan: &mut Plan) -> Vec<Heads> {
    let Plan {
        strings,
        files,
        functions,
        ..
    } = plan;
    let mut leaves = Vec::new();
    let heads = functions
        .iter_mut()
        .map(|function| arranged(function, strings, files, &mut leaves).unwrap_or_default())
        .collect();
    functions.append(&mut leaves);
    heads
}

/// A rule, and where it stands in the Rego.
struct Rule<'f> {
    head: RuleHead,
    place: (Option<&'f Arc<str>>, u32, u32),
}

impl Rule<'_> {
    /// How many of its first keys are constants.
    fn ground(&self) -> usize {
        self.head
            .keys
            .iter()
            .take_while(|key| key.value.is_some())
            .count()
    }

    fn is_ground(&self) -> bool {
        self.ground() == self.head.keys.len()
    }
}

/// What comes in a function's body, one after the other.
enum Item {
    Rule(usize),
    /// Rules that make one value together.
    Leaf(Vec<usize>),
    /// An empty object, or a set, at the first keys of a rule.
    Empty {
        rule: usize,
        keys: usize,
        set: bool,
    },
}

fn arranged(
    function: &mut Function,
    strings: &[Arc<str>],
    files: &[Arc<str>],
    leaves: &mut Vec<Function>,
) -> Option<Heads> {
    let (rules, result, returned) = rules(function, strings, files)?;
    let heads = Heads {
        constants: rules.iter().map(|rule| rule.head.constants()).collect(),
        documents: documents(&rules.iter().map(|rule| &rule.head).collect::<Vec<_>>(), 0),
    };
    let mut items = Vec::new();
    place(&rules, (0..rules.len()).collect(), 0, &mut items);
    let order: Vec<usize> = items
        .iter()
        .flat_map(|item| match item {
            Item::Rule(rule) => std::slice::from_ref(rule),
            Item::Leaf(rules) => rules,
            Item::Empty { .. } => &[],
        })
        .copied()
        .collect();
    if order.len() != rules.len() {
        return Some(heads);
    }
    let collide = collide::may(&rules, &order);
    let mut blocks: Vec<Option<Block>> = std::mem::take(&mut function.blocks)
        .into_iter()
        .map(Some)
        .collect();
    let mut take = |at: usize| blocks.get_mut(at).and_then(Option::take);
    let mut arranged: Vec<Block> = take(0).into_iter().collect();
    if collide {
        arranged.push(block(
            result,
            vec![statement(Kind::MakeObject { target: VISITED })],
        ));
    }
    for item in items {
        match item {
            Item::Rule(rule) => {
                let Some(mut own) = take(rule + 1) else { continue };
                if collide && let Some(rule) = rules.get(rule) {
                    collide::note(&mut own.statements, &rule.head, &collide::lengths(&rules));
                }
                arranged.push(own);
            }
            Item::Leaf(members) => {
                let blocks: Vec<Block> = members.iter().filter_map(|rule| take(rule + 1)).collect();
                let Some(rule) = members.first().and_then(|first| rules.get(*first)) else {
                    continue;
                };
                match leaf::function(function, &rule.head, blocks, (result, returned)) {
                    Ok((leaf, call)) => {
                        leaves.push(leaf);
                        arranged.push(call);
                    }
                    Err(blocks) => arranged.extend(blocks),
                }
            }
            Item::Empty { rule, keys, set } => {
                if let Some(rule) = rules.get(rule) {
                    let last = if set { Last::Set } else { Last::Object };
                    let keys: Vec<&index::Key> = rule.head.keys.iter().take(keys).collect();
                    arranged.push(block(result, put(returned, &keys, last)));
                }
            }
        }
    }
    arranged.extend(blocks.into_iter().flatten());
    function.blocks = arranged;
    Some(heads)
}

fn documents(heads: &[&RuleHead], depth: usize) -> Documents {
    let mut found: BTreeMap<&Value, (&index::Key, Vec<&RuleHead>)> = BTreeMap::new();
    for head in heads {
        let key = head.keys.get(depth);
        let Some((key, value)) = key.and_then(|key| Some((key, key.value.as_ref()?))) else {
            return Documents::default();
        };
        found
            .entry(value)
            .or_insert_with(|| (key, Vec::new()))
            .1
            .push(head);
    }
    let below = |(key, heads): (&index::Key, Vec<&RuleHead>)| (key.clone(), documents(&heads, depth + 1));
    Documents(found.into_values().map(below).collect())
}

/// The rules of a function, if it makes an object and all of them are understood; the locals for their values and for
/// what they make together.
fn rules<'f>(
    function: &Function,
    strings: &[Arc<str>],
    files: &'f [Arc<str>],
) -> Option<(Vec<Rule<'f>>, i64, i64)> {
    let rules = index::rules(function).filter(|rules| rules.made == Made::Object)?;
    let rule = |group: &index::Group<'_>| {
        let [block] = group.branches.as_slice() else {
            return None;
        };
        let head = index::head(block, rules.returned, strings)?;
        let Location { file, row, column } = block.statements.first()?.location;
        let file = usize::try_from(file).ok().and_then(|file| files.get(file));
        (head.keys.len() <= MOST_KEYS).then_some(Rule {
            head,
            place: (file, row, column),
        })
    };
    let found: Option<Vec<Rule<'f>>> = rules.groups.iter().map(rule).collect();
    Some((found?, rules.result, rules.returned))
}

/// The rules at and below a place of OPA's tree of rules: `members` have their first `depth` keys in common.
fn place(rules: &[Rule<'_>], members: Vec<usize>, depth: usize, items: &mut Vec<Item>) {
    let mut own = Vec::new();
    let mut below: BTreeMap<&Value, Vec<usize>> = BTreeMap::new();
    for member in members {
        let Some(rule) = rules.get(member) else { continue };
        let key = rule.head.keys.get(depth).and_then(|key| key.value.as_ref());
        match key {
            Some(key) => below.entry(key).or_default().push(member),
            None => own.push(member),
        }
    }
    let sorted =
        |members: &mut Vec<usize>| members.sort_by_key(|member| rules.get(*member).map(|rule| rule.place));
    sorted(&mut own);
    let example = own.first().or_else(|| below.values().flatten().next()).copied();
    let is_partial = own
        .iter()
        .any(|own| rules.get(*own).is_some_and(|rule| !rule.is_ground()));
    let is_set = own
        .iter()
        .any(|own| rules.get(*own).is_some_and(|rule| rule.head.set));
    if depth > 0
        && let Some(rule) = example
        && (own.is_empty() || is_partial || is_set)
    {
        let set = !own.is_empty() && !is_partial;
        items.push(Item::Empty {
            rule,
            keys: depth,
            set,
        });
    }
    if depth > 0 && below.is_empty() && !is_partial && !is_set {
        items.push(Item::Leaf(own));
    } else {
        items.extend(own.iter().copied().map(Item::Rule));
    }
    for members in below.into_values() {
        if is_partial {
            together(rules, members, depth + 1, items);
        } else {
            place(rules, members, depth + 1, items);
        }
    }
}

/// The rules below a place whose rules OPA visits as one document.
fn together(rules: &[Rule<'_>], members: Vec<usize>, depth: usize, items: &mut Vec<Item>) {
    let mut found = Vec::new();
    place(rules, members, depth, &mut found);
    for item in found {
        match item {
            Item::Rule(rule) => items.push(Item::Rule(rule)),
            Item::Leaf(rules) => items.extend(rules.into_iter().map(Item::Rule)),
            Item::Empty { .. } => {}
        }
    }
}

/// What is put at a place.
#[derive(Clone, Copy)]
enum Last {
    /// An empty collection, unless something is there.
    Object,
    Set,
    /// What a local holds.
    Value(i64),
}

/// Puts something where keys lead, and objects on the way where there are none.
fn put(returned: i64, keys: &[&index::Key], last: Last) -> Vec<Statement> {
    let mut statements = Vec::new();
    // From the innermost collection outwards.
    for (number, key) in keys.iter().enumerate().rev() {
        let at = i64::try_from(number).unwrap_or(0);
        let (own, made) = (FIRST_OF_PATH + 2 * at, FIRST_OF_PATH + 2 * at + 1);
        let (object, operand) = (if at == 0 { returned } else { own - 2 }, key.operand_in(made));
        let mut around: Vec<Statement> = key.make(made).map(statement).into_iter().collect();
        let is_last = number + 1 == keys.len();
        if let (true, Last::Value(value)) = (is_last, last) {
            around.push(statement(Kind::ObjectInsertOnce {
                key: operand,
                value: Operand::Local(value),
                object,
            }));
            statements = around;
            continue;
        }
        let make = if is_last && matches!(last, Last::Set) {
            Kind::MakeSet { target: own }
        } else {
            Kind::MakeObject { target: own }
        };
        let found = vec![
            statement(Kind::Dot {
                source: Operand::Local(object),
                key: operand,
                target: own,
            }),
            statement(Kind::Break { index: 1 }),
        ];
        let found_or_made = vec![
            statement(Kind::Block {
                blocks: vec![Block { statements: found }],
            }),
            statement(make),
        ];
        around.push(statement(Kind::Block {
            blocks: vec![Block {
                statements: found_or_made,
            }],
        }));
        around.append(&mut statements);
        around.push(statement(Kind::ObjectInsert {
            key: operand,
            value: Operand::Local(own),
            object,
        }));
        statements = around;
    }
    statements
}

/// A block as those of rules are.
fn block(result: i64, mut statements: Vec<Statement>) -> Block {
    statements.insert(0, statement(Kind::ResetLocal { target: result }));
    Block { statements }
}

fn statement(kind: Kind) -> Statement {
    Statement {
        kind,
        location: Location::default(),
    }
}
