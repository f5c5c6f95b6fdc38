package envoy.authz

allow := {"allowed": true, "dynamic_metadata": {1: "a", true: "b"}}
