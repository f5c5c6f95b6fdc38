package envoy.authz

# Role-based access as most begin with it: who the caller is says a header, which roles a user has says data.

default allow := false

allow if {
	some role in data.users[input.attributes.request.http.headers["x-user"]].roles
	some permission in data.roles[role].permissions
	permission.method == input.attributes.request.http.method
	permission.resource == input.parsed_path[0]
}
