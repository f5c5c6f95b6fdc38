package envoy.authz

default allow := false

allow if to_number("x") == 1
