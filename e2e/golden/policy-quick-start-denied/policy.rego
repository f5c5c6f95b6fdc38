package envoy.authz

import rego.v1

import input.attributes.request.http as http_request

default allow := {"allowed": false, "headers": {"x-ext-auth-allow": "no"}, "body": "Unauthorized Request", "http_status": 301}

allow := response if {
	http_request.method == "GET"
	response := {"allowed": true, "headers": {"x-ext-auth-allow": "yes"}}
}
