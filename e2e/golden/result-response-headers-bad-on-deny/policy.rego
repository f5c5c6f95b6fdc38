package envoy.authz

allow := {"allowed": false, "response_headers_to_add": 1}
