package envoy.authz

import rego.v1

allow := true if input.attributes.request.http.method == "GET"

allow := false if input.attributes.request.http.host == "example.org"

allow := input.attributes.request.http.scheme if input.attributes.request.http.protocol == "HTTP/2"
