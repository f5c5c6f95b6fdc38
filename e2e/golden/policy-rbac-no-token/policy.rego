package envoy.authz

import rego.v1

default allow := false

allow if {
	some role in data.roles[user]
	some permission in data.permissions[role]
	permission.method == input.attributes.request.http.method
	permission.path == input.parsed_path[0]
}

user := io.jwt.decode(token)[1].sub

token := substring(input.attributes.request.http.headers.authorization, 7, -1)
