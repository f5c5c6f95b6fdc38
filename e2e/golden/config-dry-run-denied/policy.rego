package envoy.authz

allow := {"allowed": false, "http_status": 401, "headers": {"x-a": "1"}, "dynamic_metadata": {"why": "no"}}
