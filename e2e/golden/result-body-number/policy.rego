package envoy.authz

allow := {"allowed": false, "body": 1}
