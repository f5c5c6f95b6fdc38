package envoy.authz

allow := true if input.attributes

allow := false if input.version
