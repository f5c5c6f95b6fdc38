package envoy.authz

o[k] := v if some k, v in {"a": 1}

o["a"] := 2

allow if o
