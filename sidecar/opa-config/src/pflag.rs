//! A command line as Go's pflag takes it: flags and paths in any order, `--a=b`, `--a b`, `-ab`, `-a=b`, letters in one
//! word, `--` before what are only paths; then the environment, for flags that weren't given.

use postern_config::ConfigError;

use crate::fate::Fate;
use crate::flag_table::{FLAGS, Flag, Takes};
use crate::host::Host;
use crate::notice::NotHonoured;
use crate::tree::Place;

/// What stands before a flag's name in the environment: `OPA_RUN_ADDR`.
const PREFIX: &str = "OPA_RUN_";
/// What errors call the arguments.
pub(crate) const COMMAND_LINE: &str = "command line";

/// What was given.
#[derive(Default)]
pub(crate) struct Given {
    flags: Vec<GivenFlag>,
    /// What isn't a flag, in order.
    pub(crate) paths: Vec<String>,
    pub(crate) notices: Vec<NotHonoured>,
}

struct GivenFlag {
    name: &'static str,
    /// In order; a switch has `true` or `false`.
    values: Vec<String>,
    at: Place,
}

impl Given {
    fn find(&self, name: &str) -> Option<&GivenFlag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// Every value of `name`.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.find(name).map_or(&[], |flag| &flag.values)
    }

    /// An error about the flag `name`, where it was given.
    pub(crate) fn wrong(&self, name: &str, message: impl Into<String>) -> ConfigError {
        let here = Place::new(COMMAND_LINE, None);
        self.find(name)
            .map_or(&here, |flag| &flag.at)
            .error(format!("--{name}"), message)
    }

    /// The value of `name` that holds.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(String::as_str)
    }

    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.last(name) == Some("true")
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.last(name).and_then(integer)
    }

    fn add(&mut self, flag: &'static Flag, value: &str, at: &Place) -> Result<(), ConfigError> {
        let mut values = values(flag, value).map_err(|message| at.error(written(flag), message))?;
        let asks = flag.takes != Takes::Switch || values.first().is_some_and(|value| value == "true");
        match flag.fate {
            Fate::Refused(fix) if asks && !value.is_empty() => return Err(at.error(written(flag), fix)),
            Fate::NotHonoured(why) if asks && self.all(flag.name).is_empty() => {
                self.notices
                    .push(NotHonoured::new(written(flag), at.clone(), why));
            }
            _ => {}
        }
        match self.flags.iter_mut().find(|given| given.name == flag.name) {
            Some(there) => there.values.append(&mut values),
            None => self.flags.push(GivenFlag {
                name: flag.name,
                values,
                at: at.clone(),
            }),
        }
        Ok(())
    }
}

/// Reads `args`, which come after `run`, and what of the environment stands for flags.
pub(crate) fn parse(args: &[String], host: &dyn Host) -> Result<Given, ConfigError> {
    let at = Place::new(COMMAND_LINE, None);
    let mut given = Given::default();
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        if arg == "--" {
            given.paths.extend(args.by_ref().map(str::to_owned));
        } else if let Some(long) = arg.strip_prefix("--") {
            let (name, value) = long
                .split_once('=')
                .map_or((long, None), |(name, value)| (name, Some(value)));
            let known = FLAGS.iter().find(|flag| flag.name == name);
            let flag = known.ok_or_else(|| at.error(format!("--{name}"), unknown()))?;
            let value = match value {
                Some(value) => value,
                None if flag.takes == Takes::Switch => "true",
                None => args
                    .next()
                    .ok_or_else(|| at.error(written(flag), "a value must follow"))?,
            };
            given.add(flag, value, &at)?;
        } else if arg.len() > 1 && arg.starts_with('-') {
            letters(arg.get(1..).unwrap_or_default(), &mut args, &mut given, &at)?;
        } else {
            given.paths.push(arg.to_owned());
        }
    }
    from_environment(&mut given, host)?;
    Ok(given)
}

fn letters<'a>(
    mut rest: &'a str,
    args: &mut impl Iterator<Item = &'a str>,
    given: &mut Given,
    at: &Place,
) -> Result<(), ConfigError> {
    while let Some(letter) = rest.chars().next() {
        let known = FLAGS.iter().find(|flag| flag.short == Some(letter));
        let flag = known.ok_or_else(|| at.error(format!("-{letter}"), unknown()))?;
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        match (rest.strip_prefix('='), flag.takes) {
            (Some(value), _) => return given.add(flag, value, at),
            (None, Takes::Switch) => given.add(flag, "true", at)?,
            (None, _) if !rest.is_empty() => return given.add(flag, rest, at),
            (None, _) => {
                let value = args
                    .next()
                    .ok_or_else(|| at.error(written(flag), "a value must follow"))?;
                return given.add(flag, value, at);
            }
        }
    }
    Ok(())
}

fn from_environment(given: &mut Given, host: &dyn Host) -> Result<(), ConfigError> {
    for flag in FLAGS {
        let name = format!("{PREFIX}{}", flag.name.to_uppercase().replace('-', "_"));
        if given.find(flag.name).is_some() {
            continue;
        }
        // An empty variable is one that isn't set.
        if let Some(value) = host.variable(&name).filter(|value| !value.is_empty()) {
            given.add(flag, &value, &Place::new(&name, None))?;
        }
    }
    Ok(())
}

fn written(flag: &Flag) -> String {
    format!("--{}", flag.name)
}

fn unknown() -> String {
    "unknown, to OPA, too; take it out".to_owned()
}

/// The values that `value` is for `flag`.
fn values(flag: &Flag, value: &str) -> Result<Vec<String>, String> {
    Ok(match flag.takes {
        Takes::Switch => vec![switch(value).ok_or("expected true or false")?.to_string()],
        Takes::OneOf(words) if !words.contains(&value) => {
            return Err(format!("expected one of {}", words.join(", ")));
        }
        Takes::Integer => {
            integer(value).ok_or("expected a whole number")?;
            vec![value.to_owned()]
        }
        Takes::List => csv(value)?,
        Takes::Text | Takes::Each | Takes::OneOf(_) => vec![value.to_owned()],
    })
}

/// Go's `strconv.ParseBool`.
fn switch(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Go's `strconv.ParseInt` with base 0, without underscores.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match (digits.get(..2).map(str::to_ascii_lowercase).as_deref(), digits) {
        (Some("0x"), _) => (16, digits.get(2..)?),
        (Some("0o"), _) => (8, digits.get(2..)?),
        (Some("0b"), _) => (2, digits.get(2..)?),
        (Some(_), _) if digits.starts_with('0') => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    let plain = digits.starts_with(|c: char| c.is_ascii_alphanumeric());
    plain
        .then(|| i64::from_str_radix(&format!("{sign}{digits}"), radix).ok())
        .flatten()
}

/// One line of CSV: a text with a comma or a quote in it stands in quotes, with its quotes twice.
fn csv(line: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = line;
    // Nothing is no text, rather than an empty one.
    while !line.is_empty() {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, after) = rest
                .split_once(',')
                .map_or((rest, None), |(field, after)| (field, Some(after)));
            if field.contains('"') {
                return Err("a quote may stand only around a whole text".to_owned());
            }
            fields.push(field.to_owned());
            match after {
                Some(after) => rest = after,
                None => break,
            }
            continue;
        };
        let mut field = String::new();
        let mut letters = quoted.char_indices().peekable();
        let after = loop {
            match letters.next() {
                None => return Err("a quote isn't closed".to_owned()),
                Some((_, '"')) if letters.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
                Some((end, '"')) => break quoted.get(end + 1..).unwrap_or_default(),
                Some((_, letter)) => field.push(letter),
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None if after.is_empty() => break,
            None => return Err("expected a comma after a text in quotes".to_owned()),
        }
    }
    Ok(fields)
}
