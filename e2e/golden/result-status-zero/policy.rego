package envoy.authz

allow := {"allowed": false, "http_status": 0}
