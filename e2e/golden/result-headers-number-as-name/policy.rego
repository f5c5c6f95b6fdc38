package envoy.authz

allow := {"allowed": true, "headers": {1: "a", true: "b", [1]: "c"}}
