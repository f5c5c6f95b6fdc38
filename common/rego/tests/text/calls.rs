//! The calls.

use postern_rego::Value;

use crate::random::Random;

/// What is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Regex,
    Glob,
    Globs,
    Cidr,
    Units,
    Semver,
    Uri,
    Time,
    Yaml,
}

/// Calls that are known to be worth asking.
pub(crate) const FIXED: &[&str] = &[
    r#"regex.match("\\pN", "²")"#,
    r#"regex.match("(?i)k", "\u212a")"#,
    r#"regex.match("(?i)[[:word:]]", "ſ")"#,
    r#"regex.match("(?i)ɤ", "\ua7cb")"#,
    r#"regex.match("\\p{Lu}", "\ua7cb")"#,
    r#"regex.match("\\Qa.b\\E+c", "a.bbc")"#,
    r#"regex.match("a{,3}", "a{,3}")"#,
    r#"regex.is_valid("a{1001}")"#,
    r#"regex.is_valid("(a{500}){3}")"#,
    r#"regex.is_valid("\\C")"#,
    r#"regex.is_valid("(?P<a>x)(?P<a>y)")"#,
    r#"regex.is_valid("(?<a>x)")"#,
    r#"regex.is_valid("\\p{Old_Italic}")"#,
    r#"regex.is_valid("\\p{Lowercase_Letter}")"#,
    r#"regex.is_valid("x**")"#,
    r#"regex.is_valid("a(?i)*")"#,
    r#"regex.is_valid("\\8")"#,
    r#"regex.is_valid("[[:foo:]]")"#,
    r#"regex.is_valid("[a")"#,
    r#"regex.replace("abc", "(?P<x>b)(c)", "<${x}$2$x$$1${2}$2x>")"#,
    r#"regex.replace("abc", "(?P<a>b)|(?P<a>c)", "<$a>")"#,
    r#"regex.replace("abc", "", "-")"#,
    r#"regex.replace("abc", "b*", "-")"#,
    r#"regex.replace("éa", "\\B", "-")"#,
    r#"regex.replace("abc", "(b)", "$1é")"#,
    r#"regex.replace("abc", "(b)", "${1}é$")"#,
    r#"regex.replace("abc", "(b)", "$01$00${")"#,
    r#"regex.split("", "abc")"#,
    r#"regex.split("", "")"#,
    r#"regex.split("a*", "baac")"#,
    r#"regex.split("c", "abc")"#,
    r#"regex.find_n("a*", "baac", -1)"#,
    r#"regex.find_n("a*", "baac", 0)"#,
    r#"regex.find_n("a*", "baac", 2)"#,
    r#"regex.find_n("^a", "aaa", -1)"#,
    r#"regex.find_n("(?m)^.$", "a\nb\nc", -1)"#,
    r#"regex.find_all_string_submatch_n("(a)|(b)", "ab", -1)"#,
    r#"regex.find_all_string_submatch_n("(a){0}b", "ab", -1)"#,
    r#"regex.find_all_string_submatch_n("(a*)+", "b", -1)"#,
    r#"regex.find_all_string_submatch_n("(a|b*)*", "abba", -1)"#,
    r#"regex.template_match("urn:<[a-z]+>:<.*>", "urn:foo:bar", "<", ">")"#,
    r#"regex.template_match("urn:<a)(b>", "urn:ab", "<", ">")"#,
    r#"regex.template_match("a>b", "a", "<", ">")"#,
    r#"regex.globs_match("a.*b", "a[x-z]+b")"#,
    r#"regex.globs_match("[]a", ".a")"#,
    r#"glob.match("*.github.com", [], "api.github.com")"#,
    r#"glob.match("*.github.com", ["."], "api.cdn.github.com")"#,
    r#"glob.match("*hub.com", null, "api.cdn.github.com")"#,
    r#"glob.match("[]-a]", null, "^")"#,
    r#"glob.match("[", null, "a")"#,
    r#"glob.match("{a,{b,c*}}d", null, "cxd")"#,
    r#"glob.match("{}", null, "")"#,
    r#"glob.match("a}", null, "a}")"#,
    r#"glob.match("x", ["ab"], "x")"#,
    r#"glob.quote_meta("*.domain.{c,o}[m]\\-")"#,
    r#"net.cidr_contains("10.0.0.0/8", "::ffff:10.1.2.3")"#,
    r#"net.cidr_contains("::ffff:10.0.0.0/104", "10.1.2.3")"#,
    r#"net.cidr_contains("::/80", "::/80")"#,
    r#"net.cidr_contains("10.0.0.0/8", "10.0.0.0/08")"#,
    r#"net.cidr_contains("10.0.0.0/8", "10.00.0.0")"#,
    r#"net.cidr_intersects("::/0", "0.0.0.0/0")"#,
    r#"net.cidr_expand("192.168.1.7/30")"#,
    r#"net.cidr_expand("2001:db8::/126")"#,
    r#"net.cidr_expand("255.255.255.254/31")"#,
    r#"net.cidr_merge(["10.1.2.3", "192.0.2.1"])"#,
    r#"net.cidr_merge(["10.0.0.0/9", "10.128.0.0/9", "::/1", "8000::/1"])"#,
    r#"net.cidr_merge(["2001:db8::/32"])"#,
    r#"net.cidr_merge(["2001:db8::1"])"#,
    r#"net.cidr_merge([])"#,
    r#"net.cidr_contains_matches([["10.0.0.0/8", 1]], {"a": "10.1.0.0/16"})"#,
    r#"net.cidr_contains_matches("10.0.0.0/8", {"10.1.0.0/16", ["11.0.0.1"]})"#,
    r#"net.cidr_contains_matches([], ["x"])"#,
    r#"net.cidr_contains_matches(["x"], [])"#,
    r#"net.cidr_is_valid("1.2.3.4/33")"#,
    r#"net.cidr_is_valid("fe80::%eth0/64")"#,
    r#"units.parse("100m")"#,
    r#"units.parse("1000m")"#,
    r#"units.parse("-0.00000000001")"#,
    r#"units.parse("1.5E2Mi")"#,
    r#"units.parse("1e-5")"#,
    r#"units.parse("1e")"#,
    r#"units.parse("\"10\"K")"#,
    r#"units.parse("1e1234567")"#,
    r#"units.parse("007")"#,
    r#"units.parse("5.k")"#,
    r#"units.parse_bytes("0.1eib")"#,
    r#"units.parse_bytes("-1.5KiB")"#,
    r#"units.parse_bytes("1e30")"#,
    r#"units.parse_bytes("18446744073709551617")"#,
    r#"semver.compare("1.0.0-9999999999999999999", "1.0.0-1")"#,
    r#"semver.compare("v1.0.0+a", "1.0.0+b")"#,
    r#"semver.compare("9223372036854775808.0.0", "1.0.0")"#,
    r#"uri.parse("http://user:p%40ss@[fe80::1%25en0]:80/a%2Fb/%41?x=%ZZ#f%20g")"#,
    r#"uri.parse("HTTP://h:80:90/")"#,
    r#"uri.parse("pg://h:1,g:90/")"#,
    r#"uri.parse("mailto:a@b?x#y")"#,
    r#"uri.parse("//host/p?")"#,
    r#"uri.parse("///p")"#,
    r#"uri.parse("http://[::1.2.3.4]/")"#,
    r#"uri.parse("http://a b/")"#,
    r#"uri.parse("http://h%41/")"#,
    r#"uri.parse("a:b:c")"#,
    r#"uri.parse("1a:b")"#,
    r#"uri.parse("x/a:b")"#,
    r#"uri.parse("*")"#,
    r#"uri.parse("")"#,
    r#"uri.is_valid("")"#,
    r#"uri.is_valid("%")"#,
    r#"time.format([1700000000123456789, "America/New_York", "RFC3339Nano"])"#,
    r#"time.format([1700000000120000000, "Asia/Kathmandu", "Mon Jan _2 __2 002 15:04:05.000 .999 ,000000000000 pm PM MST Z07:00:00"])"#,
    r#"time.format([-3000000000000000000, "Europe/Berlin", "2006 -07:00:00 -070000 -07 MST"])"#,
    r#"time.format([-9223372036854775808, "Africa/Monrovia", "RFC1123Z"])"#,
    r#"time.format(9223372036854775807)"#,
    r#"time.format([0, "europe/berlin"])"#,
    r#"time.format([0, "Nowhere/Land"])"#,
    r#"time.format([0, "UTC", "Januaryx Janx Monx _2006 é 0002 1 2 3 4 5 06"])"#,
    r#"time.format(1.5)"#,
    r#"time.format(1e18)"#,
    r#"time.format(1e19)"#,
    r#"time.clock([1710054000000000000, "America/New_York"])"#,
    r#"time.add_date(json.unmarshal(`[1710054000000000000, "America/New_York"]`), 0, 0, 1)"#,
    r#"time.add_date(json.unmarshal(`[1710045000000000000, "America/New_York"]`), 0, -1, 29)"#,
    r#"time.add_date(1709164800000000000, 1, 0, 0)"#,
    r#"time.add_date(1709164800000000000, 300, 0, 0)"#,
    r#"time.add_date(json.unmarshal(`[1729987200000000000, "Europe/London"]`), 0, 0, 1)"#,
    r#"time.diff([1709164800000000000, "Asia/Tokyo"], 1600000000000000000)"#,
    r#"time.parse_ns("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST")"#,
    r#"time.parse_ns("RFC1123", "Mon, 02 Jan 2006 15:04:05 GMT+3")"#,
    r#"time.parse_ns("02 Jan 06 15:04 -0700", "02 jan 69 15:04 -2460")"#,
    r#"time.parse_ns("2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05,5+00:00")"#,
    r#"time.parse_ns("2006 002", "2024 060")"#,
    r#"time.parse_ns("2006 __2 Jan", "2023  60 Mar")"#,
    r#"time.parse_ns("2006-01-02 3PM", "2023-02-29 3PM")"#,
    r#"time.parse_ns("2006-01-02  3pm", "2023-02-28    12am")"#,
    r#"time.parse_ns("06", "-5")"#,
    r#"time.parse_ns("5.000", "7.-12")"#,
    r#"time.parse_ns("-07:00:00", "-00:00:01")"#,
    r#"time.parse_ns("2006", "1600")"#,
    r#"time.parse_rfc3339_ns("2020-02-30T00:00:00Z")"#,
    r#"time.parse_rfc3339_ns("2020-02-29T23:59:59.9999999999-24:00")"#,
    r#"time.parse_rfc3339_ns("2020-02-29T3:59:59Z")"#,
    r#"time.parse_duration_ns("1d2h30m")"#,
    r#"time.parse_duration_ns("-1.5w")"#,
    r#"time.parse_duration_ns("0.1y1ms2us3µs")"#,
    r#"time.parse_duration_ns("1d3μs")"#,
    r#"time.parse_duration_ns("3μs.5h1.h")"#,
    r#"time.parse_duration_ns("-9223372036854775808ns")"#,
    r#"time.parse_duration_ns("9223372036854775808ns")"#,
    r#"time.parse_duration_ns("0")"#,
    r#"time.parse_duration_ns("1.2.3d")"#,
    r#"time.parse_duration_ns("1day")"#,
];

/// A random call.
pub(crate) fn call(kind: Kind, random: &mut Random) -> String {
    let quoted = |text: &str| Value::from(text).to_json();
    match kind {
        Kind::Regex => {
            let (pattern, text) = (quoted(&pattern(random, 3)), quoted(&text(random)));
            let count = random.number(4) - 1;
            match random.below(6) {
                0 => format!("regex.is_valid({pattern})"),
                1 => format!("regex.match({pattern}, {text})"),
                2 => format!("regex.split({pattern}, {text})"),
                3 => format!("regex.find_n({pattern}, {text}, {count})"),
                4 => format!("regex.find_all_string_submatch_n({pattern}, {text}, {count})"),
                _ => {
                    let parts = ["$1", "${1}", "$x", "${x}", "$", "$$", "a", "{", "}", "é", "_"];
                    let value = quoted(&random.several(&parts, 4));
                    format!("regex.replace({text}, {pattern}, {value})")
                }
            }
        }
        Kind::Glob => {
            let parts = [
                "a", "b", "é", ".", "/", "*", "**", "?", "{", "}", ",", "[ab]", "[!a]", "[a-c]", "[!.-/]",
                "\\*", "\\", "[", "]", "-", "!", "{a,b}", "{*,b.}",
            ];
            let (pattern, text) = (
                quoted(&random.several(&parts, 7)),
                quoted(&random.several(&["a", "b", "c", "é", ".", "/", "*", ","], 6)),
            );
            let delimiters = random.of(&["null", "[]", r#"["."]"#, r#"["/", "."]"#, r#"["é"]"#]);
            format!("glob.match({pattern}, {delimiters}, {text})")
        }
        Kind::Globs => {
            let parts = [
                "a", "b", ".", "[ab]", "[a-c]", "[]", "+", "*", ".*", "a+", "\\*", "\\", "]", "[-",
            ];
            let (a, b) = (random.several(&parts, 6), random.several(&parts, 6));
            format!("regex.globs_match({}, {})", quoted(&a), quoted(&b))
        }
        Kind::Cidr => cidr(random),
        Kind::Time => time(random),
        Kind::Yaml => yaml(random),
        Kind::Units => {
            let parts = [
                "1", "10", "0", "25", ".", "-", "+", "e", "E3", "e-2", " ", "\"", "k", "K", "Ki", "KB", "m",
                "M", "MiB", "gib", "T", "Pi", "E", "Ei", "eib", "İ", "é", "\u{212a}",
            ];
            let text = random.several(&["1", "2", "0", "05", ".", "e2", "e-3", "9", "-"], 3)
                + &random.several(&parts, 3);
            format!(
                "{}({})",
                random.of(&["units.parse", "units.parse_bytes"]),
                quoted(&text)
            )
        }
        Kind::Semver => {
            let version = |random: &mut Random| {
                let core = random.of(&["1.2.3", "1.2.4", "v1.2.3", "1.2.3", "01.2.3", "1.2", "1.10.0"]);
                let pre = random.of(&["", "-a", "-1", "-a.1", "-a.b", "-2", "-01", "-a..b", "-10", "--"]);
                quoted(&format!("{core}{pre}{}", random.of(&["", "+x", "+", "+1.a"])))
            };
            let (a, b) = (version(random), version(random));
            match random.below(3) {
                0 => format!("semver.is_valid({a})"),
                _ => format!("semver.compare({a}, {b})"),
            }
        }
        Kind::Uri => {
            let parts = [
                "http:",
                "https:",
                "pg:",
                "//",
                "/",
                "?",
                "#",
                "@",
                ":",
                "host",
                "h.com",
                ":80",
                "[::1]",
                "[",
                "]",
                "%41",
                "%2F",
                "%",
                "%c3%a9",
                "é",
                "a",
                "b=c",
                "~",
                " ",
                "+",
                "[fe80::1%25e]",
                "..",
                ";",
                "*",
            ];
            let start = random.of(&["", "http://", "https://h", "//", "/", "pg://"]);
            let text = quoted(&format!("{start}{}", random.several(&parts, 6)));
            format!("{}({text})", random.of(&["uri.parse", "uri.is_valid"]))
        }
    }
}

fn text(random: &mut Random) -> String {
    let parts = [
        "a", "b", "ab", "A", "é", "É", "ſ", "\u{212a}", "k", " ", "\n", "_", "1", "日", "-",
    ];
    random.several(&parts, 9)
}

fn pattern(random: &mut Random, depth: usize) -> String {
    let leaves = [
        "a",
        "b",
        "k",
        "é",
        ".",
        "[ab]",
        "[^a]",
        "[a-c]",
        r"\d",
        r"\W",
        r"\s",
        r"\b",
        r"\B",
        "^",
        "$",
        r"\z",
        r"\A",
        "[[:alpha:]]",
        "[[:^lower:]]",
        r"\pL",
        r"\p{Lu}",
        r"\PL",
        r"\p{Greek}",
        "(?i)",
        "(?s)",
        "(?m)",
        "(?U)",
        "(?-i)",
        r"\Qa.\E",
        r"\x41",
        r"\x{e9}",
        r"\101",
        r"\n",
        "[k-s]",
        r"[\d_]",
        r"[^\pL]",
        "{",
        "}",
        "]",
        "",
    ];
    let mut out = String::new();
    for _ in 0..=random.below(3) {
        let part = match if depth == 0 { 0 } else { random.below(8) } {
            0..=3 => random.of(&leaves).to_owned(),
            4 => format!("({})", pattern(random, depth - 1)),
            5 => format!("(?:{})", pattern(random, depth - 1)),
            6 => format!("(?P<x>{})", pattern(random, depth - 1)),
            _ => format!(
                "(?i:{}|{})",
                pattern(random, depth - 1),
                pattern(random, depth - 1)
            ),
        };
        out.push_str(&part);
        if random.below(3) == 0 {
            out.push_str(random.of(&[
                "*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{1,2}?", "{0}",
            ]));
        }
        if random.below(8) == 0 {
            out.push('|');
        }
    }
    // At times what is no pattern.
    if random.below(12) == 0 {
        out.push_str(random.of(&[
            "(", ")", "[", "**", "\\", r"\C", "(?", "(?P<", "{1001}", "[z-a]", r"\p{Foo}", "+*",
        ]));
    }
    out
}

fn cidr(random: &mut Random) -> String {
    let one = |random: &mut Random| {
        let address = random.of(&[
            "10.0.0.0",
            "10.1.2.3",
            "10.128.0.0",
            "192.168.0.255",
            "0.0.0.0",
            "255.255.255.255",
            "2001:db8::",
            "2001:db8::1",
            "fe80::1",
            "ffff::",
            "1.2.3",
            "::ffff:10.1.2.3",
            "x",
        ]);
        let v6 = address.contains(':');
        let length = random.below(if v6 { 129 } else { 33 });
        match random.below(6) {
            0 => Value::from(address).to_json(),
            _ => Value::from(format!("{address}/{length}")).to_json(),
        }
    };
    let list = |random: &mut Random| {
        let count = random.below(5);
        let items: Vec<String> = (0..count).map(|_| one(random)).collect();
        format!("[{}]", items.join(", "))
    };
    match random.below(6) {
        0 => format!("net.cidr_contains({}, {})", one(random), one(random)),
        1 => format!("net.cidr_intersects({}, {})", one(random), one(random)),
        2 => format!("net.cidr_is_valid({})", one(random)),
        3 => format!("net.cidr_contains_matches({}, {})", list(random), list(random)),
        4 => {
            // Of one family and without IPv4 inside IPv6, which OPA merges into what is no address.
            let base = random.of(&["10.0.", "192.168."]);
            let count = 1 + random.below(5);
            let items: Vec<String> = (0..count)
                .map(|_| {
                    format!(
                        "\"{base}{}.{}/{}\"",
                        random.below(4),
                        random.below(256),
                        20 + random.below(13)
                    )
                })
                .collect();
            format!("net.cidr_merge([{}])", items.join(", "))
        }
        _ => {
            let count = 1 + random.below(4);
            let items: Vec<String> = (0..count)
                .map(|_| format!("\"2001:db8:0:{}::/{}\"", random.below(8), 58 + random.below(8)))
                .collect();
            format!("net.cidr_merge([{}])", items.join(", "))
        }
    }
}

fn time(random: &mut Random) -> String {
    let instant = |random: &mut Random| {
        // Over all of the range, and more often near now.
        let wide = random.number(usize::MAX) * 512 * if random.below(2) == 0 { 1 } else { -1 };
        let near = 1_500_000_000_000_000_000 + (random.number(usize::MAX) * 64) % 400_000_000_000_000_000;
        let zone = random.of(&[
            "UTC",
            "",
            "America/New_York",
            "Europe/London",
            "Asia/Kolkata",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
            "Africa/Cairo",
            "Pacific/Apia",
            "Europe/Dublin",
            "Etc/GMT+5",
            "Asia/Tehran",
            "No/Where",
        ]);
        let number = if random.below(4) == 0 { wide } else { near };
        (number, zone)
    };
    let layouts = [
        "2006",
        "06",
        "Jan",
        "January",
        "1",
        "01",
        "Mon",
        "Monday",
        "2",
        "_2",
        "02",
        "__2",
        "002",
        "15",
        "3",
        "03",
        "4",
        "04",
        "5",
        "05",
        ".000",
        ".999999",
        ",9",
        "PM",
        "pm",
        "MST",
        "Z0700",
        "-0700",
        "Z07:00",
        "-07",
        "-07:00:00",
        " ",
        "-",
        "T",
        ":",
        "x",
        "é",
        "0",
    ];
    match random.below(6) {
        0 => {
            let (number, zone) = instant(random);
            let layout = Value::from(random.several(&layouts, 8)).to_json();
            format!("time.format([{number}, \"{zone}\", {layout}])")
        }
        1 => {
            let (number, zone) = instant(random);
            let name = random.of(&["date", "clock", "weekday"]);
            format!("time.{name}([{number}, \"{zone}\"])")
        }
        2 => {
            let (number, zone) = instant(random);
            let part = |random: &mut Random| random.number(41) - 20;
            let (years, months, days) = (part(random), part(random), part(random));
            format!("time.add_date(json.unmarshal(`[{number}, \"{zone}\"]`), {years}, {months}, {days})")
        }
        3 => {
            let ((a, zone_a), (b, zone_b)) = (instant(random), instant(random));
            format!("time.diff([{a}, \"{zone_a}\"], [{b}, \"{zone_b}\"])")
        }
        4 => {
            let parts = [
                "1", "2.5", "0.001", ".5", "h", "m", "s", "ms", "us", "ns", "d", "w", "y", "µs", "x", "-",
            ];
            let sign = random.of(&["", "-", "+"]);
            let mut text = sign.to_owned();
            for _ in 0..=random.below(3) {
                text.push_str(&random.several(&["1", "2.5", "30", "0.001", ".5", "7"], 1));
                text.push_str(random.of(&["h", "m", "s", "ms", "us", "ns", "d", "w", "y", "µs"]));
            }
            if random.below(4) == 0 {
                text.push_str(random.of(&parts));
            }
            format!("time.parse_duration_ns({})", Value::from(text).to_json())
        }
        _ => {
            // What a layout's parts look like, right and wrong.
            let pairs = [
                ("2006", "2021"),
                ("06", "75"),
                ("06", "07"),
                ("Jan", "feb"),
                ("January", "March"),
                ("1", "11"),
                ("01", "04"),
                ("Mon", "Tue"),
                ("Monday", "sunday"),
                ("2", "30"),
                ("_2", " 7"),
                ("02", "31"),
                ("002", "061"),
                ("__2", " 61"),
                ("15", "23"),
                ("3", "12"),
                ("03", "07"),
                ("4", "5"),
                ("04", "59"),
                ("5", "9"),
                ("05", "33.25"),
                ("05.000", "07.125"),
                (".999", ".5"),
                ("PM", "AM"),
                ("pm", "pm"),
                ("MST", "CEST"),
                ("MST", "GMT-4"),
                ("MST", "+03"),
                ("Z0700", "Z"),
                ("Z07:00", "-03:30"),
                ("-0700", "+1145"),
                ("-07", "-11"),
                ("15", "24"),
                ("Z07:00:00", "+01:02:03"),
                ("1", "13"),
                ("2", "x"),
            ];
            let (mut layout, mut text) = (String::new(), String::new());
            for _ in 0..=random.below(5) {
                let (part, value) = pairs[random.below(pairs.len())];
                let between = random.of(&[" ", "-", "/", "T"]);
                layout.push_str(part);
                layout.push_str(between);
                text.push_str(value);
                text.push_str(between);
            }
            let quoted = |text: &str| Value::from(text).to_json();
            format!("time.parse_ns({}, {})", quoted(&layout), quoted(&text))
        }
    }
}

fn yaml(random: &mut Random) -> String {
    let value = yaml_value(random, 3);
    match random.below(3) {
        0 => format!("yaml.marshal({value})"),
        1 => format!("yaml.unmarshal(yaml.marshal({value}))"),
        _ => {
            let text = Value::from(yaml_text(random, 3, 0)).to_json();
            let name = random.of(&["yaml.unmarshal", "yaml.is_valid"]);
            format!("{name}({text})")
        }
    }
}

const SCALARS: [&str; 58] = [
    "a",
    "b c",
    "true",
    "True",
    "yes",
    "y",
    "null",
    "~",
    "",
    "1",
    "-1",
    "+5",
    "0",
    "-0",
    "007",
    "08",
    "0x1F",
    "0b11",
    "0o17",
    "1_000",
    "1.0",
    "1.50",
    "-.5",
    "1e3",
    "1e400",
    "1e21",
    "1e-7",
    ".5",
    "5.",
    ".",
    "-",
    "--",
    "2020-01-02",
    "2020-1-2 3:4:5",
    "2020-13-01",
    "12:30",
    "http://a.b/c",
    "a:b",
    "a: b",
    "a #b",
    "a#b",
    "#a",
    "- a",
    "-a",
    "?a",
    "? a",
    ":a",
    "it's",
    "\"",
    "[a",
    "{a}",
    "&a",
    "!a",
    "*a",
    "@a",
    "é",
    " a ",
    "a,b",
];

/// A value, as JSON.
fn yaml_value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 4 } else { 8 }) {
        0 | 1 => Value::from(random.of(&SCALARS)).to_json(),
        2 => random
            .of(&[
                "1",
                "0",
                "-5",
                "1.5",
                "1e30",
                "123456.5",
                "1234567.5",
                "0.00001",
                "18446744073709551616",
            ])
            .to_owned(),
        3 => random.of(&["null", "true", "false", "[]", "{}"]).to_owned(),
        4 | 5 => {
            let items: Vec<String> = (0..random.below(4))
                .map(|_| yaml_value(random, depth - 1))
                .collect();
            format!("[{}]", items.join(", "))
        }
        _ => {
            let keys = [
                "a", "b", "k1", "k10", "k9", "x-y", "x_y", "A", "1", "true", "0", "é", "a b", "z",
            ];
            let members: Vec<String> = (0..random.below(4))
                .map(|at| {
                    format!(
                        "{}: {}",
                        Value::from(keys[(random.below(5) + at * 5) % 14]).to_json(),
                        yaml_value(random, depth - 1)
                    )
                })
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// What looks like YAML.
fn yaml_text(random: &mut Random, depth: usize, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let scalar = |random: &mut Random| match random.below(8) {
        0 => format!("\"{}\"", random.of(&["a", "\\n", "x: y", "\\u00e9", "#"])),
        1 => format!("'{}'", random.of(&["a", "it''s", "x: y", "", "#"])),
        2 => random
            .of(&[
                "[]",
                "{}",
                "[1, a, \"b\"]",
                "{a: 1, \"b\":[x]}",
                "[a, [b], ]",
                "{a: b",
                "[1",
                "[a b, -1, 1.0]",
                "{a}",
                "[a: b]",
            ])
            .to_owned(),
        _ => random.of(&SCALARS).to_owned(),
    };
    let end = |random: &mut Random| {
        random.of(&[
            "\n", "\n", "\n", "\n", " # c\n", "\n\n", "\n# c\n", "\n---\n", " x\n",
        ])
    };
    if depth == 0 || random.below(5) == 0 {
        return format!("{pad}{}{}", scalar(random), end(random));
    }
    let mut out = String::new();
    let is_map = random.below(3) > 0;
    for _ in 0..=random.below(3) {
        out.push_str(&pad);
        if is_map {
            out.push_str(random.of(&["a:", "b c:", "\"q\":", "1:", "true:", "d :", "-x:", "'e' :"]));
        } else {
            out.push('-');
        }
        match random.below(4) {
            0 | 1 => {
                out.push(' ');
                out.push_str(&scalar(random));
                out.push_str(end(random));
            }
            2 => {
                out.push_str(random.of(&["\n", " \n", " # c\n"]));
                let deeper = indent + random.below(4);
                out.push_str(&yaml_text(random, depth - 1, deeper));
            }
            _ if !is_map => {
                // An item whose value starts on its line.
                let inner = yaml_text(random, depth - 1, indent + 2);
                out.push(' ');
                out.push_str(inner.trim_start_matches(' '));
            }
            _ => out.push('\n'),
        }
    }
    out
}
