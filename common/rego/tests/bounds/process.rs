//! Each in a process of its own, so that what it grows by and what it takes of the processor are its own. Time is counted,
//! not measured: the clock goes on by a millisecond whenever it is asked.

use std::cell::Cell;
use std::process::Command;
use std::time::Duration;

use postern_rego::{Env, EvalError, HostBuiltins, Limit, Program, TimeLimit, Value};

use super::bomb::{Bomb, Ends};
use super::opa::Plan;

/// What an evaluation may build.
const MEMORY: u64 = 64 * 1024 * 1024;
/// What the process may grow by: what is built, what a builtin makes on its way, and what allocators keep.
const MOST_GROWN_KIB: u64 = 3 * MEMORY / 1024;
/// Of the processor's time for one, in seconds, without optimization and beside other tests: some are refused in an instant,
/// none takes more than a few.
const MOST_SECONDS: u64 = 20;

/// The variable that tells a process which one it runs.
pub(crate) const NAME: &str = "POSTERN_BOMB";

thread_local! {
    static LOOKS: Cell<u64> = const { Cell::new(0) };
}

fn ticking() -> Duration {
    LOOKS.set(LOOKS.get() + 1);
    Duration::from_millis(LOOKS.get())
}

/// Where what is built is to end it, work and time don't before.
pub(crate) fn env(ends: Ends) -> Env {
    let mut env = Env::new(0, [0; 32]);
    env.limits.max_memory = MEMORY;
    if matches!(ends, Ends::Memory | Ends::Weight) {
        env.limits.max_statements = 1_000_000_000;
        return env;
    }
    env.limits.max_statements = 3_000_000;
    env.time_limit = Some(TimeLimit::new(Duration::from_millis(100), ticking));
    env
}

/// Runs the one that this process was started for, if it was started for one; its module's package is `bomb`.
pub(crate) fn one(
    bombs: impl IntoIterator<Item = &'static Bomb>,
    plan: &Plan,
    host: &dyn HostBuiltins,
    input: fn(&str) -> Value,
) {
    let Ok(name) = std::env::var(NAME) else { return };
    let mut bombs = bombs.into_iter();
    let bomb = bombs.find(|bomb| bomb.name == name).expect("it is there");
    assert_eq!(run(bomb, &plan.read(), host, input), bomb.ends, "{name}");
    let seconds = seconds();
    assert!(seconds <= MOST_SECONDS, "{name}: {seconds} s");
}

/// Runs all of them, each in a process of its own, which runs the test `one`, and says which don't end as they should.
pub(crate) fn all(bombs: impl IntoIterator<Item = &'static Bomb>) {
    let mut mistakes = Vec::new();
    for bomb in bombs {
        let this = std::env::current_exe().expect("this program");
        let output = Command::new(this)
            .args(["--exact", "one", "--nocapture", "--test-threads=1"])
            .env(NAME, bomb.name)
            .env("RUST_BACKTRACE", "0")
            .output()
            .expect("it starts");
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let line = said
            .lines()
            .find(|line| line.starts_with(bomb.name))
            .unwrap_or_default();
        println!("{line}");
        if !output.status.success() {
            mistakes.push(said);
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// Runs one and says how it ended.
fn run(
    Bomb { name, ends, .. }: &Bomb,
    plan: &[u8],
    host: &dyn HostBuiltins,
    input: fn(&str) -> Value,
) -> Ends {
    let program = Program::load(plan, host).expect("the plan is loaded");
    let entrypoint = program.entrypoint(&format!("bomb/{name}")).expect("it is there");
    let input = input(name);
    let before = status("VmRSS:");
    let result = program.evaluate(entrypoint, Some(&input), &input, &env(*ends));
    let grown = status("VmHWM:").saturating_sub(before);
    assert!(grown <= MOST_GROWN_KIB, "{name}: {grown} KiB more");
    let ends = match result {
        Err(EvalError::LimitReached {
            limit: Limit::Memory, ..
        }) => Ends::Memory,
        Err(EvalError::LimitReached {
            limit: Limit::Time | Limit::Statements,
            ..
        }) => Ends::Work,
        Err(EvalError::LimitReached {
            limit: Limit::Weight, ..
        }) => Ends::Weight,
        Err(EvalError::Builtin { .. }) => Ends::Refused,
        Err(ref other) => panic!("{name}: {other}"),
        Ok(_) => Ends::Answers,
    };
    let said = match result {
        Ok(answer) => answer.map_or_else(|| "undefined".to_owned(), |answer| answer.to_json()),
        Err(error) => error.to_string(),
    };
    println!(
        "\n{name}: {ends:?}, {grown} KiB, {} s, {} looks at the clock: {said:.200}",
        seconds(),
        LOOKS.get()
    );
    ends
}

/// A number of KiB that the kernel tells of this process.
fn status(of: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with(of)).expect(of);
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .expect("a number")
}

/// The processor's time that this process has taken, in seconds.
fn seconds() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells");
    // After the name, in parentheses: user and system time are the 12th and 13th, in hundredths.
    let times = stat
        .rsplit(')')
        .next()
        .expect("fields")
        .split_whitespace()
        .skip(11)
        .take(2);
    times
        .map(|time| time.parse::<u64>().expect("a number"))
        .sum::<u64>()
        / 100
}
