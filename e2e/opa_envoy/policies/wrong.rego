package envoy.authz

import rego.v1

# Results of every ill form, by the method.
allow := 1 if input.attributes.request.http.method == "GET"

allow := "yes" if input.attributes.request.http.method == "POST"

allow := [true] if input.attributes.request.http.method == "a"

allow := {true} if input.attributes.request.http.method == "é"

allow := null if input.attributes.request.http.method == "http"

allow := {"allowed": "true"} if input.attributes.request.http.method == "https"

allow := {"x": 1} if input.attributes.request.http.method == "\""

allow := {"allowed": true, "headers": {1: "a"}} if input.attributes.request.http.method == "::1"

allow := {"allowed": true, "headers": [{"a": {"b", "a"}}, {{"x"}: "c"}]} if input.attributes.request.http.method == "10.0.0.1"

allow := {"allowed": true, "query_parameters_to_set": {"a": {"y", "x"}}} if input.attributes.request.http.method == "<&>"
