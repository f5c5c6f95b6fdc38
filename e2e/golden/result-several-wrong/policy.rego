package envoy.authz

allow := {"allowed": false, "headers": 1, "body": 1, "http_status": "x"}
