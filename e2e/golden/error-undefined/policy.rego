package envoy.authz

allow if input.nothing
