package envoy.authz

allow := {"allowed": false, "headers": {"x-a": "1", "www-authenticate": ["Basic", "Bearer"]}}
