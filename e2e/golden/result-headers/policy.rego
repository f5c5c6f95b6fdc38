package envoy.authz

allow := {"allowed": true, "headers": {"x-a": "1", "x-b": ["2", "3"], "x-c": {"5", "4"}, "x-d": []}}
