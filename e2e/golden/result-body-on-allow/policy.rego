package envoy.authz

allow := {"allowed": true, "body": 1, "http_status": "x"}
