package envoy.authz

allow := {"allowed": false, "dynamic_metadata": 1, "body": 1}
