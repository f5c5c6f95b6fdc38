package envoy.authz

allow if to_number("x") == 1
