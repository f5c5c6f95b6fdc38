package envoy.authz

allow := {"allowed": 1}
