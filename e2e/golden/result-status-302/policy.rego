package envoy.authz

allow := {"allowed": false, "http_status": 302, "headers": {"location": "https://login.example"}}
