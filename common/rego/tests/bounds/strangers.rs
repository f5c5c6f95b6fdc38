//! More of them: what someone writes who looks for a builtin that works, or makes, far more than it is given.

use super::bomb::Ends::{Answers, Memory, Refused, Weight, Work};
use super::bomb::{Bomb, bomb};
use super::bombs::chain;

#[rustfmt::skip]
pub(crate) const BOMBS: &[Bomb] = &[
    bomb("expressions_that_repeat_what_repeats", Work, r#"[1 | some i in many; regex.match(sprintf("((a{1,30}){1,30}){1,%d}b", [(i % 30) + 1]), "aaa")]"#),
    bomb("all_submatches_of_a_text", Memory, r#"[regex.find_all_string_submatch_n("(a)(a)(a)", input.text, -1) | some i in many]"#),
    bomb("a_text_split_by_nothing", Memory, r#"[regex.split("", input.text) | some i in many]"#),
    bomb("globs_that_have_much_in_common", Work, r#"[1 | some i in many; regex.globs_match(concat("", ["[a-z]*" | some j in numbers.range(1, 300)]), concat("", ["[a-y]*[a-z]" | some j in numbers.range(1, 300)]))]"#),
    bomb("globs_of_many_braces", Work, r#"[1 | some i in many; glob.match(concat("", ["{a,b,{c,d}}" | some j in numbers.range(1, 2000)]), [], sprintf("%d", [i]))]"#),
    bomb("globs_of_deep_braces", Answers, r#"glob.match(concat("", array.concat(["{a," | some j in numbers.range(1, 50000)], ["}" | some j in numbers.range(1, 50000)])), [], "a")"#),
    bomb("calls_that_double", Work, "called_40(1)"),
    bomb("powers_of_ten", Work, r#"[x | some i in many; x := to_number(sprintf("1e%d", [99999999 - i])) + 1]"#),
    bomb("remainders_of_powers_of_ten", Work, r#"[x | some i in many; x := to_number(sprintf("1e%d", [9999999 - i])) % 7]"#),
    bomb("rounded_powers_of_ten", Work, r#"[x | some i in many; x := round(to_number(sprintf("1e%d", [99999999 - i])))]"#),
    bomb("bits_far_to_the_left", Refused, "[bits.lsh(1, i * 100) | some i in many]"),
    bomb("large_numbers_in_other_bases", Work, "[format_int(input.large, 2) | some i in many]"),
    bomb("sums_of_large_numbers", Work, "[sum([input.large, i]) | some i in many]"),
    bomb("a_product_of_large_numbers", Work, "product([input.large | some i in numbers.range(1, 1000)])"),
    bomb("numbers_of_a_million_digits", Work, "[x | some i in many; x := to_number(input.digits) + i]"),
    bomb("units_of_a_million_digits", Refused, r#"[units.parse(concat("", [input.digits, "Ki"])) | some i in many]"#),
    bomb("large_numbers_as_keys", Work, "{x: 1 | some i in many; x := input.large + i}"),
    bomb("versions_of_many_parts", Work, "[1 | some i in many; semver.compare(input.version, input.version) == 1]"),
    bomb("durations_of_many_parts", Work, r#"[x | some i in many; x := time.parse_duration_ns(concat("", ["1ns" | some j in numbers.range(1, 20000)]))]"#),
    bomb("dates_in_long_layouts", Memory, r#"[time.format([i, "UTC", concat("", ["Monday January 2006" | some j in numbers.range(1, 1000)])]) | some i in many]"#),
    bomb("tokens_of_nothing_but_brackets", Memory, "[io.jwt.decode(input.token) | some i in many]"),
    bomb("networks_in_networks", Work, r#"net.cidr_contains_matches(networks, networks)"#),
    bomb("networks_merged", Memory, "[net.cidr_merge(networks) | some i in many]"),
    bomb("all_addresses_there_are", Refused, r#"net.cidr_expand("::/0")"#),
    bomb("prefixes_of_prefixes", Work, r#"[1 | some i in many; strings.any_prefix_match(texts, ["x", "y"])]"#),
    bomb("numbers_joined_by_a_text", Refused, r#"concat(input.text, texts)"#),
    bomb("arrays_that_double", Memory, "joined_26"),
    bomb("ranges_with_steps", Refused, "[numbers.range_step(1, 100000000, 7) | some i in many]"),
    bomb("sets_without_one", Memory, "[s | some i in many; s := many_set - {i}]"),
    bomb("sets_with_one", Memory, "[union({many_set, {i}}) | some i in many]"),
    bomb("what_sets_have_in_common", Memory, "[s | some i in many; s := many_set & many_set]"),
    bomb("keys_of_objects", Memory, "[object.keys(input.members) | some i in many]"),
    bomb("objects_filtered", Memory, r#"[json.filter(input.members, [sprintf("m%d", [j]) | some j in numbers.range(1, 500)]) | some i in many]"#),
    bomb("random_numbers_by_name", Work, r#"[1 | some i in many; some j in many; rand.intn(sprintf("%d %d", [i, j]), 10) > 10]"#),
    bomb("items_that_are_unique", Memory, r#"[1 | some i in many; json.match_schema({"a": many}, {"properties": {"a": {"uniqueItems": true}}})[0] == false]"#),
    bomb("schemas_that_refer_twice", Work, r##"json.match_schema({"a": 1}, {"properties": {"a": {"$ref": "#/definitions/d0"}}, "definitions": definitions})"##),
    bomb("fragments_that_spread_twice", Answers, r#"graphql.is_valid(concat("", array.concat(["{...f0}", "fragment f60 on Query{a}"], [f | some n in numbers.range(0, 59); f := sprintf("fragment f%d on Query{...f%d b:a ...f%d}", [n, n + 1, n + 1])])), "type Query{a: String}")"#),
    bomb("queries_of_many_braces", Refused, r#"[1 | some i in many; graphql.is_valid(concat("", array.concat(["{a" | some j in numbers.range(1, 500)], ["}" | some j in numbers.range(1, 500)])), "type Query{a: Query}"); i < 0]"#),
    bomb("queries_of_many_fields", Work, r#"[1 | some i in many; graphql.is_valid(concat("", array.concat(array.concat(["{"], ["a " | some j in numbers.range(1, 3000)]), ["}"])), "type Query{a: String}"); i < 0]"#),
    bomb("schemas_of_many_choices", Work, r#"[1 | some i in many; json.match_schema({"a": many}, {"properties": {"a": {"items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}})[0]]"#),
    bomb("a_text_as_a_part_of_urls", Memory, "[urlquery.encode(input.text) | some i in many]"),
    bomb("yaml_of_a_long_text", Memory, r#"[yaml.marshal({"a": input.text}) | some i in many]"#),
    bomb("a_text_as_json", Memory, r#"[json.marshal([input.text]) | some i in many]"#),
    bomb("names_of_members_as_text", Memory, r#"[sprintf("%v", [input.members]) | some i in many]"#),
    bomb("templates_that_include_themselves", Refused, r#"strings.render_template("{{define \"T\"}}{{template \"T\"}}{{end}}{{template \"T\"}}", {})"#),
    bomb("yaml_of_nothing_but_brackets", Refused, r#"yaml.unmarshal(concat("", ["[" | some i in many]))"#),
    bomb("json_that_nests", Refused, r#"json.unmarshal(concat("", array.concat(["[" | some i in numbers.range(1, 5000)], ["]" | some i in numbers.range(1, 5000)])))"#),
    bomb("json_of_json", Memory, "json_60"),
    bomb("quotes_of_quotes", Memory, "quoted_60"),
    bomb("digits_of_digits", Memory, "hex_60"),
    bomb("a_text_in_capitals", Memory, "[upper(input.text) | some i in many]"),
    bomb("a_text_from_its_end", Memory, "[strings.reverse(input.text) | some i in many]"),
    bomb("all_ends_of_a_text", Memory, "[substring(input.text, i, -1) | some i in many]"),
    bomb("a_text_within_a_text", Work, "[1 | some i in many; contains(input.text, input.almost)]"),
    bomb("occurrences_in_a_text", Work, r#"[1 | some i in many; strings.count(input.text, "aa") == i]"#),
    bomb("a_text_and_its_beginning", Work, "[1 | some i in many; startswith(input.text, input.text); i < 0]"),
    bomb("a_text_that_is_trimmed", Memory, r#"[trim(concat("", [input.text, "b"]), "b") | some i in many]"#),
    bomb("shared_values_in_order", Weight, "[x | some i in many; x := sort([[i, input.shared], [i, input.shared]])]"),
    bomb("shared_values_compared", Work, "[1 | some i in many; [input.shared, 1] == [input.shared, 2]]"),
    bomb("results_under_other_input", Work, "[1 | some i in many; some j in many; within == 7 with input as [i, j]]"),
    bomb("large_numbers_as_input", Work, "[1 | some i in many; some j in many; within == 7 with input as input.large]"),
    bomb("results_by_key", Memory, "[1 | some i in many; some j in many; keyed[[i, j]]]"),
];

/// What they use besides.
pub(super) fn module(module: &mut String) {
    module.push_str(
        r##"
many_set := {x | some x in many}
networks := [c | some i in numbers.range(1, 5000); c := sprintf("10.%d.%d.0/24", [i % 200, (i * 7) % 251])]
texts := [sprintf("%d", [i]) | some i in numbers.range(1, 10000)]
within := count(input)
keyed contains k if { some i in many; some j in many; k := [i, j] }
definitions := object.union({"d61": {"type": "number"}}, {sprintf("d%d", [n]): s | some n in numbers.range(0, 60); s := {"allOf": [{"$ref": sprintf("#/definitions/d%d", [n + 1])}, {"$ref": sprintf("#/definitions/d%d", [n + 1])}]}})
called_0(x) := x
"##,
    );
    for n in 1..=40 {
        let before = n - 1;
        module.push_str(&format!(
            "called_{n}(x) := called_{before}(x) + called_{before}(x + {n})\n"
        ));
    }
    chain(module, "joined", "[1, 2, 3]", 26, "array.concat(@, @)");
    chain(module, "json", r#""\"""#, 60, "json.marshal(@)");
    chain(module, "quoted", r#""\"""#, 60, r#"sprintf("%q", [@])"#);
    chain(module, "hex", r#""x""#, 60, "hex.encode(@)");
}
