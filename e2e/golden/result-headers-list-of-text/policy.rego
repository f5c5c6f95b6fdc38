package envoy.authz

allow := {"allowed": true, "headers": ["a"]}
