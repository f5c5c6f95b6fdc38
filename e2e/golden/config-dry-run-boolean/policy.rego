package envoy.authz

allow := false
