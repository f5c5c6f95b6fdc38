package rbac
default allow := false
allow if {
	some binding in data.bindings[input.attributes.user]
	some grant in data.roles[binding]
	grant.method == input.attributes.request.http.method
	startswith(input.attributes.request.http.path, grant.prefix)
}
