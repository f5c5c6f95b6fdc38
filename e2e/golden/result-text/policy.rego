package envoy.authz

allow := "yes"
