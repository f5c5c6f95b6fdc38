package envoy.authz

allow := 1
