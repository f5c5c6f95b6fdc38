package envoy.authz

allow := {"allowed": true}
