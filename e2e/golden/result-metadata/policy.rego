package envoy.authz

allow := {"allowed": true, "dynamic_metadata": {"a": {"b": [1, 2.5, true, null, "x"]}, "set": {2, 1}, "big": 12345678901234567890}}
