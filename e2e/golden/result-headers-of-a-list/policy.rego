package envoy.authz

allow := {"allowed": true, "headers": [{"x-a": "1"}, {"x-a": "2"}, {}]}
