package envoy.authz

allow := {}
