package envoy.authz

import rego.v1

# Undefined for most requests; an error of a builtin is undefined, too.
allow if to_number(input.attributes.request.http.host) > 0

allow if json.unmarshal(input.attributes.request.http.body).a == 1

allow if {
	some header in input.attributes.request.http.headerMap.headers
	header.key == "GET"
}

allow if input.attributes.metadataContext.filterMetadata[_][_] == 1
