package envoy.authz

allow := {"allowed": false, "http_status": 99999999999999999999}
