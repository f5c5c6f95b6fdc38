package envoy.authz

import rego.v1

default allow := false

allow if {
	input.attributes.request.http.method == "GET"
	input.parsed_path[0] == "orders"
}

allow if input.parsed_query.x[_] == "1"

allow if input.parsed_body.a == 1

allow if input.source_principal == "spiffe://example.org/ns/a"
