package envoy.authz

allow := {"allowed": true, "headers": {"x-a": [1]}}
