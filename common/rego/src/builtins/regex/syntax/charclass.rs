//! `[…]`.

use regex_syntax::hir::ClassUnicode;

use super::{MAX_RANGES, Parse, Parser, Refusal, class};

impl Parser<'_> {
    pub(super) fn class(&mut self) -> Parse<()> {
        let start = self.at;
        self.at += 1;
        let negated = self.rest().starts_with('^');
        self.at += usize::from(negated);
        let mut set = ClassUnicode::empty();
        // A bracket that comes first stands for itself.
        let mut first = true;
        while first || !self.rest().starts_with(']') {
            first = false;
            self.class_item(start, &mut set)?;
            if set.ranges().len() > MAX_RANGES {
                return Err(Refusal::Bound("too many ranges of characters"));
            }
        }
        self.at += 1;
        self.push_class(if negated { class::negated(&set) } else { set })
    }

    fn class_item(&mut self, start: usize, set: &mut ClassUnicode) -> Parse<()> {
        if let Some(named) = self.posix_class()? {
            set.union(&named);
            return Ok(());
        }
        let named = match self.unicode_class()? {
            Some(named) => Some(named),
            None => self.perl_class(),
        };
        if let Some(named) = named {
            set.union(&named);
            return Ok(());
        }
        let range = self.at;
        let from = self.class_char(start)?;
        let mut to = from;
        let rest = self.rest();
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            self.at += 1;
            to = self.class_char(start)?;
            if to < from {
                return Err(self.error("invalid character class range", self.since(range)));
            }
        }
        for code in [from, to] {
            self.has_surrogates |= char::from_u32(code).is_none();
        }
        if self.flags.fold {
            let mut folded = ClassUnicode::empty();
            class::add(&mut folded, from, to);
            class::fold(&mut folded);
            set.union(&folded);
        } else {
            class::add(set, from, to);
        }
        Ok(())
    }

    /// `[:alnum:]` and its like. A colon that nothing closes stands for itself.
    fn posix_class(&mut self) -> Parse<Option<ClassUnicode>> {
        let Some(inside) = self.rest().strip_prefix("[:") else {
            return Ok(None);
        };
        let Some(end) = inside.find(":]") else {
            return Ok(None);
        };
        let start = self.at;
        self.at += end + 4;
        let name = inside.get(..end).unwrap_or_default();
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        match class::posix(name) {
            Some(set) => Ok(Some(self.grouped(set, true, negated))),
            None => Err(self.error("invalid character class range", self.since(start))),
        }
    }

    fn class_char(&mut self, class: usize) -> Parse<u32> {
        if self.rest().starts_with('\\') {
            return self.escape(self.at);
        }
        match self.next_char() {
            Some(char) => Ok(u32::from(char)),
            None => {
                let text = self.pattern.get(class..).unwrap_or_default();
                Err(self.error("missing closing ]", text))
            }
        }
    }
}
