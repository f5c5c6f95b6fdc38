# entrypoint: bench/rbac/decision
package bench.rbac

# Role-based access: 30 roles, each with permissions; the caller's roles come from the token.

default decision := {"allowed": false}

decision := {"allowed": true} if {
	some role in input.postern.claims.roles
	some permission in data.roles[role].permissions
	permission.method == input.attributes.request.http.method
	permission.resource == input.parsed_path[0]
}
