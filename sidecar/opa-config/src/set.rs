//! What `--set` and `--set-file` say, in the syntax that OPA has from Helm: `a.b=1,c={x,y},d[0].e=z`, with `\` before a
//! letter that would mean something.

use crate::set_cursor::{Cursor, typed};
use crate::tree::{MAX_DEPTH, Node, Place, Value, entry, put};

/// Highest index in a list.
const MAX_INDEX: usize = 1024;

/// How a value comes from what is written after `=`.
pub(crate) type ValueOf<'a> = &'a dyn Fn(&str) -> Result<Value, String>;

/// Whether there may be more.
#[derive(PartialEq, Eq)]
enum Then {
    More,
    End,
}

/// Lays what `text` says on `entries`; its values are as YAML would have them: numbers, booleans, text.
pub(crate) fn set(text: &str, at: &Place, entries: &mut Entries) -> Result<(), String> {
    set_with(text, at, entries, &|word| Ok(typed(word)))
}

/// The same with values that `value_of` makes.
pub(crate) fn set_with(
    text: &str,
    at: &Place,
    entries: &mut Entries,
    value_of: ValueOf<'_>,
) -> Result<(), String> {
    let mut parser = Parser {
        cursor: Cursor::new(text),
        at,
        value_of,
    };
    while parser.key(entries, 0)? == Then::More {}
    Ok(())
}

type Entries = Vec<(String, Node)>;

struct Parser<'a> {
    cursor: Cursor<'a>,
    at: &'a Place,
    value_of: ValueOf<'a>,
}

impl Parser<'_> {
    fn node(&self, value: Value) -> Node {
        Node {
            at: self.at.clone(),
            value,
        }
    }

    fn set(&self, entries: &mut Entries, key: String, value: Value) {
        if !key.is_empty() {
            put(entries, key, self.node(value));
        }
    }

    fn key(&mut self, entries: &mut Entries, depth: usize) -> Result<Then, String> {
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} levels"));
        }
        let (key, stop) = self.cursor.until(&['=', '[', ',', '.']);
        match stop {
            None if key.is_empty() => Ok(Then::End),
            // The key isn't quoted: it may be the end of a secret that has a comma.
            None | Some(',') => {
                Err("a key has no value; write `key=value`, and `\\,` for a comma in a value".to_owned())
            }
            Some('=') => {
                let (value, then) = self.value()?;
                self.set(entries, key, value);
                Ok(then)
            }
            Some('[') => {
                let index = self.index()?;
                let mut list = match entry(entries, &key).map(|node| &node.value) {
                    None => Vec::new(),
                    Some(Value::List(items)) => items.clone(),
                    Some(other) => {
                        return Err(format!("`{key}` is {}, so it has no index", other.described()));
                    }
                };
                let then = self.item(&mut list, index, depth + 1)?;
                self.set(entries, key, Value::List(list));
                Ok(then)
            }
            Some(_) => {
                let mut inner = match entry(entries, &key).map(|node| &node.value) {
                    None => Vec::new(),
                    Some(Value::Map(inner)) => inner.clone(),
                    Some(other) => {
                        return Err(format!("`{key}` is {}, so it has no keys", other.described()));
                    }
                };
                let then = self.key(&mut inner, depth + 1)?;
                if inner.is_empty() {
                    return Err(format!("nothing is set below `{key}`"));
                }
                self.set(entries, key, Value::Map(inner));
                Ok(then)
            }
        }
    }

    /// What comes after `]`.
    fn item(&mut self, list: &mut Vec<Node>, index: usize, depth: usize) -> Result<Then, String> {
        let (word, stop) = self.cursor.until(&['[', '.', '=']);
        if !word.is_empty() {
            return Err("expected `=`, `.` or `[` after `]`".to_owned());
        }
        let (value, then) = match stop {
            // OPA takes a list that ends with its index for one without it.
            None => return Ok(Then::End),
            Some('=') => self.value()?,
            // OPA puts what comes then in another place than it says.
            Some('[') => return Err("a list in a list isn't understood; write it into the file".to_owned()),
            Some(_) => {
                let mut inner = match list.get(index).map(|node| &node.value) {
                    Some(Value::Map(inner)) => inner.clone(),
                    _ => Vec::new(),
                };
                let then = self.key(&mut inner, depth + 1)?;
                if then == Then::End && list.len() <= index {
                    // As in OPA: of `a[0].b=` at the end nothing is left.
                    return Ok(then);
                }
                (Value::Map(inner), then)
            }
        };
        if list.len() <= index {
            let gap = self.node(Value::Null);
            list.resize(index + 1, gap);
        }
        if let Some(item) = list.get_mut(index) {
            *item = self.node(value);
        }
        Ok(then)
    }

    fn index(&mut self) -> Result<usize, String> {
        let (word, stop) = self.cursor.until(&[']']);
        let index = stop.and_then(|_| word.parse::<usize>().ok());
        index
            .filter(|index| *index <= MAX_INDEX)
            .ok_or_else(|| format!("expected an index from 0 to {MAX_INDEX} between `[` and `]`"))
    }

    fn value(&mut self) -> Result<(Value, Then), String> {
        if self.cursor.is_at_end() {
            return Ok((Value::text(""), Then::End));
        }
        if !self.cursor.take('{') {
            let (word, _) = self.cursor.until(&[',']);
            return Ok(((self.value_of)(&word)?, Then::More));
        }
        let mut items = Vec::new();
        loop {
            let (word, stop) = self.cursor.until(&[',', '}']);
            if stop.is_none() {
                return Err("a list must end with `}`".to_owned());
            }
            items.push(self.node((self.value_of)(&word)?));
            if stop == Some('}') {
                self.cursor.take(',');
                return Ok((Value::List(items), Then::More));
            }
        }
    }
}
