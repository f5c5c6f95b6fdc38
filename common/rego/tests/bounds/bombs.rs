//! What runs on, in Rego. `many` is a hundred thousand numbers.

use std::fmt::Write as _;

use super::bomb::Ends::{Memory, Refused, Weight, Work};
use super::bomb::{Bomb, bomb, rules};
use super::strangers;

#[rustfmt::skip]
const BOMBS: &[Bomb] = &[
    bomb("nested_scans", Work, "count([1 | some a in many; some b in many; a + b < 0])"),
    bomb("ranges", Memory, "[numbers.range(1, 1000000) | some i in many]"),
    bomb("ranges_of_large_numbers", Memory, "numbers.range(input.large, input.large + 999999)"),
    bomb("an_array_that_grows", Memory, "[[a, b] | some a in many; some b in many]"),
    bomb("a_set_that_grows", Memory, "{[a, b] | some a in many; some b in many}"),
    bomb("an_object_that_grows", Memory, "{[a, b]: a | some a in many; some b in many}"),
    bomb("strings_that_double", Memory, "doubled_26"),
    bomb("template_strings_that_double", Memory, "template_26"),
    bomb("base64_of_base64", Memory, "encoded_60"),
    bomb("sets_that_square", Memory, "squared_6"),
    bomb("numbers_that_square", Work, "multiplied_40"),
    bomb("padding", Memory, r#"[sprintf("%1000000d", [i]) | some i in many]"#),
    bomb("padding_within_one_text", Memory, r#"sprintf(concat("", ["%1000000d" | some i in numbers.range(1, 1000)]), numbers.range(1, 1000))"#),
    bomb("a_shared_value_as_text", Memory, r#"sprintf("%v", [input.shared])"#),
    bomb("a_shared_value_as_json", Memory, "json.marshal(input.shared)"),
    bomb("a_shared_value_as_yaml", Memory, "yaml.marshal(input.shared)"),
    bomb("a_shared_value_walked", Memory, r#"count([1 | walk(input.shared, [p, _]); p == ["x"]])"#),
    bomb("replacing_each_character_by_all", Refused, r#"replace(input.text, "a", input.text)"#),
    bomb("replacing_what_is_almost_there", Work, r#"[1 | some i in many; replace(input.text, input.almost, "") == ""]"#),
    bomb("replacing_several_that_are_almost_there", Work, r#"strings.replace_n({input.almost: "", "x": ""}, input.text)"#),
    bomb("a_regular_expression_over_a_long_text", Work, r#"[1 | some i in many; regex.match("(a|aa)+[bc]$", input.text)]"#),
    bomb("all_matches_of_a_regular_expression", Memory, r#"[regex.find_n("a", input.text, -1) | some i in many]"#),
    bomb("a_template_of_a_long_match", Work, r#"regex.replace(input.text, "a+", input.references)"#),
    bomb("references_to_groups_that_are_empty", Work, r#"regex.replace(input.text, "(b?)a", input.references_to_first)"#),
    bomb("globs_over_a_long_text", Work, r#"[1 | some i in many; glob.match("*a*a*a*a*a*a*b", null, input.text)]"#),
    bomb("trimming_what_is_looked_for_long", Work, "trim(input.text, input.alphabet)"),
    bomb("all_characters_of_a_text", Memory, r#"[split(input.text, "") | some i in many]"#),
    bomb("all_places_in_a_text", Memory, r#"[indexof_n(input.text, "a") | some i in many]"#),
    bomb("characters_counted", Work, "[1 | some i in many; count(input.text) == i]"),
    bomb("sorting_again_and_again", Memory, "[sort(many) | some i in many]"),
    bomb("comparing_what_is_equal", Work, "[1 | some i in many; input.left == input.right; i < 0]"),
    bomb("looking_up_by_what_is_large", Work, "[1 | some i in many; input.by_array[input.right] == i]"),
    bomb("members_that_are_large", Work, "[1 | some i in many; input.right in input.set_of_arrays; i < 0]"),
    bomb("part_of_an_array_that_almost_is", Work, "object.subset(input.ones, input.ones_and_two)"),
    bomb("all_paths_of_a_graph", Memory, "graph.reachable_paths(input.graph, {\"n0\"})"),
    bomb("a_graph_of_many_edges", Weight, "count(graph.reachable(input.dense, {\"n0\"}))"),
    bomb("patches_that_copy_the_document_into_itself", Refused, r#"json.patch({"a": [1]}, [p | some i in numbers.range(1, 100); p := {"op": "copy", "from": "", "path": sprintf("/b%d", [i])}])"#),
    bomb("patches_of_a_long_array", Work, r#"json.patch(many, [p | some i in many; p := {"op": "add", "path": "/0", "value": [i]}])"#),
    bomb("patches_that_put_in_long_arrays", Weight, r#"json.patch({}, [p | some i in many; p := {"op": "add", "path": "/a", "value": input.ones}])"#),
    bomb("addresses_of_networks", Memory, r#"[net.cidr_expand("10.0.0.0/16") | some i in many]"#),
    bomb("json_of_nothing_but_brackets", Memory, "json.unmarshal(input.brackets)"),
    bomb("paths_of_nothing_but_slashes", Memory, "[json.remove(input.members, [input.slashes]) | some i in many]"),
    bomb("objects_merged", Memory, "[object.union(input.members, {sprintf(\"%d\", [i]): 1}) | some i in many]"),
    bomb("documents_under_other_data", Weight, "[x | some i in many; x := data.members.m1 with data.members.more as i]"),
    bomb("a_template_of_all_by_all", Work, r#"strings.render_template("{{range .l}}{{range $.l}}{{range $.l}}{{end}}{{end}}{{end}}", {"l": many})"#),
    bomb("a_schema_of_a_long_document", Work, r#"[1 | some i in many; json.match_schema(input.members, {"additionalProperties": {"type": "number"}})[0] == (i < 0)]"#),
];

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Bomb> {
    BOMBS.iter().chain(strangers::BOMBS)
}

/// The text of `<name>_<n>`, each the one before put into `step`.
pub(crate) fn chain(module: &mut String, name: &str, first: &str, steps: usize, step: &str) {
    let _ = writeln!(module, "{name}_0 := {first}");
    for n in 1..=steps {
        let before = format!("{name}_{}", n - 1);
        let _ = writeln!(module, "{name}_{n} := {}", step.replace('@', &before));
    }
}

pub(crate) fn module() -> String {
    let mut module = "package bomb\n\nmany := numbers.range(1, 100000)\n".to_owned();
    module.push_str("modest := count([a | some a in numbers.range(1, 1000); count(input.members) > 0])\n");
    chain(
        &mut module,
        "doubled",
        "input.letters",
        26,
        r#"concat("", [@, @])"#,
    );
    chain(&mut module, "template", "input.letters", 26, r#"$"{@}{@}""#);
    chain(&mut module, "encoded", "input.letters", 60, "base64.encode(@)");
    chain(
        &mut module,
        "squared",
        "{1, 2, 3}",
        6,
        "{[a, b] | some a in @; some b in @}",
    );
    chain(&mut module, "multiplied", "input.large", 40, "@ * @");
    strangers::module(&mut module);
    rules(&mut module, all());
    module
}
