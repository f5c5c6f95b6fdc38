package envoy.authz

allow := {"allowed": true, "dynamic_metadata": {"a": 1e400}}
