package envoy.authz

allow := {"allowed": true, "headers": {"X a\n": "b\r\nc", "": ""}}
