package envoy.authz

allow := {"allowed": false, "body": concat("", [x | some _ in numbers.range(1, 50); x := "0123"]), "headers": {"x-a": "b"}}
