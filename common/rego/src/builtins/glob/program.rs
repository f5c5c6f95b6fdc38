//! A pattern as a small automaton, all of whose states run side by side.

use super::lexer::{Lexer, Token};

/// A step: what the next character must be, or where to go on.
#[derive(Debug)]
enum Step {
    Char(char),
    /// Any character but a delimiter.
    Single,
    /// Any character.
    One,
    Range(char, char, bool),
    Set(Box<[char]>, bool),
    /// Any characters but delimiters: stays, or goes on.
    Any,
    /// Any characters.
    Super,
    /// Goes on at each of these.
    Split(Vec<usize>),
    Jump(usize),
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Program {
    steps: Vec<Step>,
    delimiters: Box<[char]>,
}

/// A brace that is open.
struct Group {
    /// The step that chooses.
    split: usize,
    /// Where the alternatives start.
    starts: Vec<usize>,
    /// The steps at the ends of all but the last, which go on behind the brace.
    ends: Vec<usize>,
}

impl Program {
    /// # Errors
    /// What is wrong with the pattern, in gobwas/glob's words.
    pub(super) fn compile(pattern: &str, delimiters: &str) -> Result<Self, String> {
        let mut lexer = Lexer::new(pattern);
        let mut steps = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        while let Some(token) = lexer.next()? {
            match token {
                Token::Text(text) => steps.extend(text.chars().map(Step::Char)),
                Token::Single if delimiters.is_empty() => steps.push(Step::One),
                Token::Single => steps.push(Step::Single),
                Token::Any if delimiters.is_empty() => steps.push(Step::Super),
                Token::Any => steps.push(Step::Any),
                Token::Super => steps.push(Step::Super),
                Token::Range { from, to, negated } => steps.push(Step::Range(from, to, negated)),
                Token::Set { chars, negated } => steps.push(Step::Set(chars.into(), negated)),
                Token::Open => {
                    groups.push(Group {
                        split: steps.len(),
                        starts: vec![steps.len() + 1],
                        ends: Vec::new(),
                    });
                    steps.push(Step::Split(Vec::new()));
                }
                Token::Comma => {
                    if let Some(group) = groups.last_mut() {
                        group.ends.push(steps.len());
                        group.starts.push(steps.len() + 1);
                        steps.push(Step::Jump(0));
                    }
                }
                Token::Close => {
                    let Some(group) = groups.pop() else { continue };
                    let end = steps.len();
                    for jump in group.ends {
                        if let Some(step) = steps.get_mut(jump) {
                            *step = Step::Jump(end);
                        }
                    }
                    if let Some(step) = steps.get_mut(group.split) {
                        *step = Step::Split(group.starts);
                    }
                }
            }
        }
        steps.shrink_to_fit();
        Ok(Self {
            steps,
            delimiters: delimiters.chars().collect(),
        })
    }

    /// What it takes in memory, about, in bytes.
    pub(super) fn memory(&self) -> usize {
        (self.steps.len() + 1) * (size_of::<Step>() + size_of::<usize>())
    }

    /// What matching so long a text costs at most.
    pub(super) fn cost(&self, bytes: usize) -> usize {
        let each = (1 + self.steps.len() / 2).saturating_mul(1 + self.delimiters.len() / 16);
        bytes.saturating_add(1).saturating_mul(each)
    }

    /// Whether all of the text matches.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let mut now = States::new(self.steps.len() + 1);
        let mut next = States::new(self.steps.len() + 1);
        self.enter(0, &mut now);
        for char in text.chars() {
            for &at in &now.list {
                match self.steps.get(at) {
                    Some(Step::Any) if !self.delimiters.contains(&char) => self.enter(at, &mut next),
                    Some(Step::Super) => self.enter(at, &mut next),
                    Some(step) if self.takes(step, char) => self.enter(at + 1, &mut next),
                    _ => {}
                }
            }
            std::mem::swap(&mut now, &mut next);
            next.clear();
            if now.list.is_empty() {
                return false;
            }
        }
        now.has(self.steps.len())
    }

    fn takes(&self, step: &Step, char: char) -> bool {
        match step {
            Step::Char(wanted) => *wanted == char,
            Step::Single => !self.delimiters.contains(&char),
            Step::One => true,
            Step::Range(from, to, negated) => (*from..=*to).contains(&char) != *negated,
            Step::Set(chars, negated) => chars.binary_search(&char).is_ok() != *negated,
            Step::Any | Step::Super | Step::Split(_) | Step::Jump(_) => false,
        }
    }

    /// Adds a state, and those that it leads to without a character.
    fn enter(&self, at: usize, states: &mut States) {
        // Most steps lead nowhere by themselves.
        if !matches!(
            self.steps.get(at),
            Some(Step::Any | Step::Super | Step::Split(_) | Step::Jump(_))
        ) {
            states.add(at);
            return;
        }
        let mut pending = std::mem::take(&mut states.pending);
        pending.push(at);
        while let Some(at) = pending.pop() {
            if !states.add(at) {
                continue;
            }
            match self.steps.get(at) {
                Some(Step::Any | Step::Super) => pending.push(at + 1),
                Some(Step::Split(starts)) => pending.extend(starts),
                Some(Step::Jump(end)) => pending.push(*end),
                _ => {}
            }
        }
        states.pending = pending;
    }
}

/// A set of states, in the order in which they came.
struct States {
    list: Vec<usize>,
    bits: Vec<u64>,
    /// Empty but while states are added.
    pending: Vec<usize>,
}

impl States {
    fn new(count: usize) -> Self {
        Self {
            list: Vec::with_capacity(count.min(16)),
            bits: vec![0; count.div_ceil(64)],
            pending: Vec::new(),
        }
    }

    /// Whether it wasn't there.
    fn add(&mut self, state: usize) -> bool {
        let Some(word) = self.bits.get_mut(state / 64) else {
            return false;
        };
        let bit = 1 << (state % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        if is_new {
            self.list.push(state);
        }
        is_new
    }

    fn has(&self, state: usize) -> bool {
        self.bits
            .get(state / 64)
            .is_some_and(|word| word & (1 << (state % 64)) != 0)
    }

    fn clear(&mut self) {
        for state in self.list.drain(..) {
            if let Some(word) = self.bits.get_mut(state / 64) {
                *word = 0;
            }
        }
    }
}
