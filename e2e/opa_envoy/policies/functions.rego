package envoy.authz

import rego.v1

http := input.attributes.request.http

# A function that conflicts for some requests.
tier(method) := "read" if method in {"GET", "HEAD", ""}

tier(method) := "write" if method in {"POST", ""}

allow := {
	"allowed": allowed,
	"headers": {"x-tier": tiers, "x-query": query},
	"response_headers_to_add": [{"x-path": concat("/", input.parsed_path)}],
	"request_headers_to_remove": {name | some name, _ in http.headers; startswith(name, "x-")},
	"query_parameters_to_set": {"a": ["1", "2"], "b": "3"},
	"query_parameters_to_remove": ["c"],
	"http_status": 418,
	"body": sprintf("%v %v", [http.method, http.size]),
	"dynamic_metadata": {"tier": tiers, "set": {3, 1, 2}, "keys": {1: "a", true: "b", [1]: "c"}},
}

tiers contains tier(http.method)

query := [sprintf("%s=%s", [key, value]) | some key, values in input.parsed_query; some value in values]

default allowed := false

allowed if http.method in {"GET", "POST"}
