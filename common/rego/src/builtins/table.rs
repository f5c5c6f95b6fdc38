//! Which builtins there are: one table, in the order of their names, which are OPA's.

#[cfg(feature = "glob")]
use super::glob;
#[cfg(feature = "regex")]
use super::regex;
use super::{
    BuiltinFn, aggregates, arithmetic, arrays, bits, cidr, comparison, encoding, graph, json, jwt, numbers,
    objects, paths, print, query, random, runtime, semver, sets, split, sprintf, strings, subset, time, trim,
    types, units, uri, uuid, walk, yaml,
};

/// The function that OPA calls `name`, of those that this crate has; a host has others ([`HostBuiltins`](crate::HostBuiltins)).
#[must_use]
pub fn lookup(name: &str) -> Option<BuiltinFn> {
    let at = BUILTINS.binary_search_by(|(other, _)| (*other).cmp(name)).ok()?;
    BUILTINS.get(at).map(|(_, function)| *function)
}

/// The names of all builtins of this crate, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|(name, _)| *name)
}

const BUILTINS: &[(&str, BuiltinFn)] = &[
    ("abs", arithmetic::abs),
    ("all", aggregates::all),
    ("and", sets::and),
    ("any", aggregates::any),
    ("array.concat", arrays::concat),
    ("array.flatten", arrays::flatten),
    ("array.reverse", arrays::reverse),
    ("array.slice", arrays::slice),
    ("base64.decode", encoding::base64_decode),
    ("base64.encode", encoding::base64_encode),
    ("base64.is_valid", encoding::base64_is_valid),
    ("base64url.decode", encoding::base64url_decode),
    ("base64url.encode", encoding::base64url_encode),
    ("base64url.encode_no_pad", encoding::base64url_encode_no_pad),
    ("bits.and", bits::and),
    ("bits.lsh", bits::lsh),
    ("bits.negate", bits::negate),
    ("bits.or", bits::or),
    ("bits.rsh", bits::rsh),
    ("bits.xor", bits::xor),
    ("cast_array", types::cast_array),
    ("cast_boolean", types::cast_boolean),
    ("cast_null", types::cast_null),
    ("cast_object", types::cast_object),
    ("cast_set", types::cast_set),
    ("cast_string", types::cast_string),
    ("ceil", arithmetic::ceil),
    ("concat", split::concat),
    ("contains", strings::contains),
    ("count", aggregates::count),
    ("div", arithmetic::div),
    ("endswith", strings::endswith),
    ("equal", comparison::equal),
    ("floor", arithmetic::floor),
    ("format_int", numbers::format_int),
    #[cfg(feature = "glob")]
    ("glob.match", glob::is_match),
    #[cfg(feature = "glob")]
    ("glob.quote_meta", glob::quote_meta),
    ("graph.reachable", graph::reachable),
    ("graph.reachable_paths", graph::reachable_paths),
    #[cfg(feature = "graphql")]
    ("graphql.is_valid", super::graphql::is_valid),
    #[cfg(feature = "graphql")]
    ("graphql.parse", super::graphql::parse),
    #[cfg(feature = "graphql")]
    ("graphql.parse_and_verify", super::graphql::parse_and_verify),
    #[cfg(feature = "graphql")]
    ("graphql.parse_query", super::graphql::parse_query),
    #[cfg(feature = "graphql")]
    ("graphql.parse_schema", super::graphql::parse_schema),
    #[cfg(feature = "graphql")]
    ("graphql.schema_is_valid", super::graphql::schema_is_valid),
    ("gt", comparison::gt),
    ("gte", comparison::gte),
    ("hex.decode", encoding::hex_decode),
    ("hex.encode", encoding::hex_encode),
    ("indexof", strings::indexof),
    ("indexof_n", strings::indexof_n),
    ("internal.member_2", aggregates::member),
    ("internal.member_3", aggregates::member_with_key),
    ("internal.print", print::print),
    ("internal.template_string", print::template_string),
    ("intersection", sets::intersection),
    ("io.jwt.decode", jwt::decode),
    ("is_array", types::is_array),
    ("is_boolean", types::is_boolean),
    ("is_null", types::is_null),
    ("is_number", types::is_number),
    ("is_object", types::is_object),
    ("is_set", types::is_set),
    ("is_string", types::is_string),
    ("json.filter", paths::filter),
    ("json.is_valid", json::is_valid),
    ("json.marshal", json::marshal),
    ("json.marshal_with_options", json::marshal_with_options),
    #[cfg(feature = "json-schema")]
    ("json.match_schema", super::json_schema::matches),
    ("json.patch", super::patch::patch),
    ("json.remove", paths::remove),
    ("json.unmarshal", json::unmarshal),
    #[cfg(feature = "json-schema")]
    ("json.verify_schema", super::json_schema::verify),
    ("lower", strings::lower),
    ("lt", comparison::lt),
    ("lte", comparison::lte),
    ("max", aggregates::max),
    ("min", aggregates::min),
    ("minus", arithmetic::minus),
    ("mul", arithmetic::mul),
    ("neq", comparison::neq),
    ("net.cidr_contains", cidr::contains),
    ("net.cidr_contains_matches", cidr::contains_matches),
    ("net.cidr_expand", cidr::expand),
    ("net.cidr_intersects", cidr::intersects),
    ("net.cidr_is_valid", cidr::is_valid),
    ("net.cidr_merge", cidr::merge),
    ("net.cidr_overlap", cidr::contains),
    ("numbers.range", numbers::range),
    ("numbers.range_step", numbers::range_step),
    ("object.filter", objects::filter),
    ("object.get", objects::get),
    ("object.keys", objects::keys),
    ("object.remove", objects::remove),
    ("object.subset", subset::subset),
    ("object.union", objects::union),
    ("object.union_n", objects::union_n),
    ("opa.runtime", runtime::runtime),
    ("or", sets::or),
    ("plus", arithmetic::plus),
    ("product", aggregates::product),
    ("rand.intn", random::intn),
    #[cfg(feature = "regex")]
    ("re_match", regex::is_match),
    #[cfg(feature = "regex")]
    (
        "regex.find_all_string_submatch_n",
        regex::find_all_string_submatch_n,
    ),
    #[cfg(feature = "regex")]
    ("regex.find_n", regex::find_n),
    #[cfg(feature = "regex")]
    ("regex.globs_match", regex::globs_match),
    #[cfg(feature = "regex")]
    ("regex.is_valid", regex::is_valid),
    #[cfg(feature = "regex")]
    ("regex.match", regex::is_match),
    #[cfg(feature = "regex")]
    ("regex.replace", regex::replace),
    #[cfg(feature = "regex")]
    ("regex.split", regex::split),
    #[cfg(feature = "regex")]
    ("regex.template_match", regex::template_match),
    ("rem", arithmetic::rem),
    ("replace", split::replace),
    ("round", arithmetic::round),
    ("semver.compare", semver::compare),
    ("semver.is_valid", semver::is_valid),
    ("sort", aggregates::sort),
    ("split", split::split),
    ("sprintf", sprintf::sprintf),
    ("startswith", strings::startswith),
    ("strings.any_prefix_match", split::any_prefix_match),
    ("strings.any_suffix_match", split::any_suffix_match),
    ("strings.count", strings::count),
    #[cfg(feature = "template")]
    ("strings.render_template", super::template::render),
    ("strings.replace_n", split::replace_n),
    ("strings.reverse", strings::reverse),
    ("strings.split_n", split::split_n),
    ("substring", strings::substring),
    ("sum", aggregates::sum),
    #[cfg(feature = "time-zones")]
    ("time.add_date", time::add_date),
    #[cfg(feature = "time-zones")]
    ("time.clock", time::clock),
    #[cfg(feature = "time-zones")]
    ("time.date", time::date),
    #[cfg(feature = "time-zones")]
    ("time.diff", time::diff),
    #[cfg(feature = "time-zones")]
    ("time.format", time::format),
    ("time.now_ns", numbers::now_ns),
    ("time.parse_duration_ns", time::parse_duration_ns),
    ("time.parse_ns", time::parse_ns),
    ("time.parse_rfc3339_ns", time::parse_rfc3339_ns),
    #[cfg(feature = "time-zones")]
    ("time.weekday", time::weekday),
    ("to_number", numbers::to_number),
    ("trim", trim::trim),
    ("trim_left", trim::trim_left),
    ("trim_prefix", trim::trim_prefix),
    ("trim_right", trim::trim_right),
    ("trim_space", trim::trim_space),
    ("trim_suffix", trim::trim_suffix),
    ("type_name", types::type_name),
    ("union", sets::union),
    ("units.parse", units::parse),
    ("units.parse_bytes", units::parse_bytes),
    ("upper", strings::upper),
    ("uri.is_valid", uri::is_valid),
    ("uri.parse", uri::parse_uri),
    ("urlquery.decode", query::decode),
    ("urlquery.decode_object", query::decode_object),
    ("urlquery.encode", query::encode),
    ("urlquery.encode_object", query::encode_object),
    ("uuid.parse", uuid::parse),
    ("uuid.rfc4122", random::uuid),
    ("walk", walk::walk),
    ("yaml.is_valid", yaml::is_valid),
    ("yaml.marshal", yaml::marshal),
    ("yaml.unmarshal", yaml::unmarshal),
];

#[cfg(test)]
mod tests {
    use super::{BUILTINS, lookup};

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(BUILTINS.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn a_builtin_is_found_by_its_name_and_no_other() {
        assert!(lookup("io.jwt.decode").is_some());
        assert!(lookup("io.jwt.decode_verify").is_none());
        assert!(lookup("").is_none());
    }
}
