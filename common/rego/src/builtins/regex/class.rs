//! Classes of characters as Go's regexp/syntax knows them: Unicode 15.0, and ASCII for `\w` and the like.
//!
//! The tables are those of `regex-syntax`, which knows a later Unicode: what has been assigned since is taken out.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use crate::builtins::go_text::ASSIGNED_SINCE;

/// Code points that Go's tables don't know.
static UNKNOWN: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let mut class = ClassUnicode::empty();
    for &(from, to) in ASSIGNED_SINCE {
        add(&mut class, from, to);
    }
    class
});

/// Adds the code points `from..=to`, without surrogates: no text has them.
pub(super) fn add(class: &mut ClassUnicode, from: u32, to: u32) {
    let (below, above) = ((from, to.min(0xd7ff)), (from.max(0xe000), to));
    for (from, to) in [below, above] {
        if from <= to
            && let (Some(from), Some(to)) = (char::from_u32(from), char::from_u32(to))
        {
            class.push(ClassUnicodeRange::new(from, to));
        }
    }
}

/// All other characters. Not `ClassUnicode`'s own: that takes the characters beside the surrogates in, where the class has
/// both.
pub(super) fn negated(class: &ClassUnicode) -> ClassUnicode {
    let mut others = ClassUnicode::empty();
    let mut next = 0;
    for range in class.ranges() {
        let (from, to) = (u32::from(range.start()), u32::from(range.end()));
        if next < from {
            add(&mut others, next, from - 1);
        }
        next = to + 1;
    }
    add(&mut others, next, u32::from(char::MAX));
    others
}

/// Whether a named class takes in what differs from it in case only. Go has forgotten one.
pub(super) fn folds(name: &str) -> bool {
    !matches!(canonical(name).as_str(), "Lc" | "Casedletter")
}

/// Adds what differs in case only, as far as Go knows it.
pub(super) fn fold(class: &mut ClassUnicode) {
    let mut unknown = class.clone();
    unknown.intersect(&UNKNOWN);
    class.difference(&UNKNOWN);
    // Only fails without the case tables, which are compiled in.
    let _ = class.try_case_fold_simple();
    class.difference(&UNKNOWN);
    class.union(&unknown);
}

/// What `\d`, `\s`, `\w` are, and whether it is the opposite that is asked for.
pub(super) fn perl(letter: u8) -> Option<(ClassUnicode, bool)> {
    let name = match letter.to_ascii_lowercase() {
        b'd' => "digit",
        b's' => return Some((ranges(&[(9, 10), (12, 13), (32, 32)]), letter == b'S')),
        b'w' => "word",
        _ => return None,
    };
    Some((posix(name)?, letter.is_ascii_uppercase()))
}

/// What `[:name:]` is.
pub(super) fn posix(name: &str) -> Option<ClassUnicode> {
    const DIGIT: (u8, u8) = (b'0', b'9');
    const LOWER: (u8, u8) = (b'a', b'z');
    const UPPER: (u8, u8) = (b'A', b'Z');
    Some(match name {
        "alnum" => ranges(&[DIGIT, LOWER, UPPER]),
        "alpha" => ranges(&[LOWER, UPPER]),
        "ascii" => ranges(&[(0, 0x7f)]),
        "blank" => ranges(&[(b'\t', b'\t'), (b' ', b' ')]),
        "cntrl" => ranges(&[(0, 0x1f), (0x7f, 0x7f)]),
        "digit" => ranges(&[DIGIT]),
        "graph" => ranges(&[(b'!', b'~')]),
        "lower" => ranges(&[LOWER]),
        "print" => ranges(&[(b' ', b'~')]),
        "punct" => ranges(&[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')]),
        "space" => ranges(&[(9, 13), (b' ', b' ')]),
        "upper" => ranges(&[UPPER]),
        "word" => ranges(&[DIGIT, LOWER, UPPER, (b'_', b'_')]),
        "xdigit" => ranges(&[DIGIT, (b'a', b'f'), (b'A', b'F')]),
        _ => return None,
    })
}

fn ranges(ranges: &[(u8, u8)]) -> ClassUnicode {
    ClassUnicode::new(
        ranges
            .iter()
            .map(|&(from, to)| ClassUnicodeRange::new(char::from(from), char::from(to))),
    )
}

/// What `\p{name}` is, the name as Go takes it: any case, and `_`, `-` and spaces don't count, but no name that Go's own
/// table writes with them or with a capital inside.
pub(super) fn unicode(name: &str) -> Option<ClassUnicode> {
    let name = canonical(name);
    let alias = |name: &str| {
        let at = ALIASES.binary_search_by(|(alias, _)| (*alias).cmp(name)).ok()?;
        ALIASES.get(at).map(|(_, category)| *category)
    };
    match name.as_str() {
        "Any" => return Some(everything()),
        "Ascii" => return posix("ascii"),
        "Assigned" => {
            return Some(negated(&category("Cn")?));
        }
        "Lc" => return category("LC"),
        "LC" => return None,
        _ => {}
    }
    if CATEGORIES.contains(&name.as_str()) {
        category(&name)
    } else if SCRIPTS.binary_search(&name.as_str()).is_ok() {
        let mut class = table(&format!(r"\p{{sc={name}}}"))?;
        class.difference(&UNKNOWN);
        Some(class)
    } else {
        category(alias(&name)?)
    }
}

/// A general category. What nobody had assigned yet belongs to `Cn`, and by it to `C`.
fn category(name: &str) -> Option<ClassUnicode> {
    let mut class = match name {
        // No text has any.
        "Cs" => return Some(ClassUnicode::empty()),
        "LC" => table(r"[\p{Lu}\p{Ll}\p{Lt}]")?,
        // Of no use to regex-syntax, whose characters have no surrogates.
        "C" => table(r"[\p{Cc}\p{Cf}\p{Cn}\p{Co}]")?,
        _ => table(&format!(r"\p{{gc={name}}}"))?,
    };
    if matches!(name, "C" | "Cn") {
        class.union(&UNKNOWN);
    } else {
        class.difference(&UNKNOWN);
    }
    // The one character whose category has changed since.
    let mut moved = ClassUnicode::empty();
    add(&mut moved, 0x1171e, 0x1171e);
    match name {
        "Mn" => class.union(&moved),
        "Mc" => class.difference(&moved),
        _ => {}
    }
    Some(class)
}

pub(super) fn everything() -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)])
}

/// The class that `regex-syntax` makes of a pattern of its own.
fn table(pattern: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(pattern).map(Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => Some(class),
        // A class of one character.
        Ok(HirKind::Literal(literal)) => {
            let char = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
            Some(ClassUnicode::new([ClassUnicodeRange::new(char, char)]))
        }
        _ => None,
    }
}

/// Go's form of a name: a capital first, lower case after it, nothing between words.
fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for char in name.chars().filter(|char| !matches!(char, '_' | '-' | ' ')) {
        out.push(if out.is_empty() {
            char.to_ascii_uppercase()
        } else {
            char.to_ascii_lowercase()
        });
    }
    out
}

const CATEGORIES: &[&str] = &[
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd",
    "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp",
    "Zs",
];

/// The scripts that Go finds by name, sorted.
const SCRIPTS: &[&str] = &[
    "Adlam",
    "Ahom",
    "Arabic",
    "Armenian",
    "Avestan",
    "Balinese",
    "Bamum",
    "Batak",
    "Bengali",
    "Bhaiksuki",
    "Bopomofo",
    "Brahmi",
    "Braille",
    "Buginese",
    "Buhid",
    "Carian",
    "Chakma",
    "Cham",
    "Cherokee",
    "Chorasmian",
    "Common",
    "Coptic",
    "Cuneiform",
    "Cypriot",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Dogra",
    "Duployan",
    "Elbasan",
    "Elymaic",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Grantha",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanunoo",
    "Hatran",
    "Hebrew",
    "Hiragana",
    "Inherited",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Katakana",
    "Kawi",
    "Kharoshthi",
    "Khmer",
    "Khojki",
    "Khudawadi",
    "Lao",
    "Latin",
    "Lepcha",
    "Limbu",
    "Lisu",
    "Lycian",
    "Lydian",
    "Mahajani",
    "Makasar",
    "Malayalam",
    "Mandaic",
    "Manichaean",
    "Marchen",
    "Medefaidrin",
    "Miao",
    "Modi",
    "Mongolian",
    "Mro",
    "Multani",
    "Myanmar",
    "Nabataean",
    "Nandinagari",
    "Newa",
    "Nko",
    "Nushu",
    "Ogham",
    "Oriya",
    "Osage",
    "Osmanya",
    "Palmyrene",
    "Phoenician",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Sharada",
    "Shavian",
    "Siddham",
    "Sinhala",
    "Sogdian",
    "Soyombo",
    "Sundanese",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Takri",
    "Tamil",
    "Tangsa",
    "Tangut",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Tirhuta",
    "Toto",
    "Ugaritic",
    "Vai",
    "Vithkuqi",
    "Wancho",
    "Yezidi",
    "Yi",
];

/// Go's long names of categories, sorted.
const ALIASES: &[(&str, &str)] = &[
    ("Casedletter", "LC"),
    ("Closepunctuation", "Pe"),
    ("Cntrl", "Cc"),
    ("Combiningmark", "M"),
    ("Connectorpunctuation", "Pc"),
    ("Control", "Cc"),
    ("Currencysymbol", "Sc"),
    ("Dashpunctuation", "Pd"),
    ("Decimalnumber", "Nd"),
    ("Digit", "Nd"),
    ("Enclosingmark", "Me"),
    ("Finalpunctuation", "Pf"),
    ("Format", "Cf"),
    ("Initialpunctuation", "Pi"),
    ("Letter", "L"),
    ("Letternumber", "Nl"),
    ("Lineseparator", "Zl"),
    ("Lowercaseletter", "Ll"),
    ("Mark", "M"),
    ("Mathsymbol", "Sm"),
    ("Modifierletter", "Lm"),
    ("Modifiersymbol", "Sk"),
    ("Nonspacingmark", "Mn"),
    ("Number", "N"),
    ("Openpunctuation", "Ps"),
    ("Other", "C"),
    ("Otherletter", "Lo"),
    ("Othernumber", "No"),
    ("Otherpunctuation", "Po"),
    ("Othersymbol", "So"),
    ("Paragraphseparator", "Zp"),
    ("Privateuse", "Co"),
    ("Punct", "P"),
    ("Punctuation", "P"),
    ("Separator", "Z"),
    ("Spaceseparator", "Zs"),
    ("Spacingmark", "Mc"),
    ("Surrogate", "Cs"),
    ("Symbol", "S"),
    ("Titlecaseletter", "Lt"),
    ("Unassigned", "Cn"),
    ("Uppercaseletter", "Lu"),
];

/// All names, in Go's form.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let short = CATEGORIES.iter().chain(SCRIPTS).copied();
    short.chain(ALIASES.iter().map(|(alias, _)| *alias))
}
