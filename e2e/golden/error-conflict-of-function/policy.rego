package envoy.authz

f(x) := 1 if x

f(x) := 2 if x

allow if f(true) == 1
