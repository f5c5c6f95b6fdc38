# Who may do what with orders: grants of the roles that the user has.
package orders

default decision := {"allowed": false}

decision := {"allowed": true} if {
	some role in data.roles[input.user]
	some grant in data.grants[role]
	grant.method == input.method
	startswith(input.path, grant.prefix)
}
