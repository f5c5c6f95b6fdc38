package envoy.authz

allow := {"allowed": true, "response_headers_to_add": {"x-a": "1", "x-b": ["2", "3"]}}
