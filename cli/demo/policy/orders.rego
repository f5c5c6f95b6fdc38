# Who may do what with orders.
#
# Postern asks `data.orders.authz.decision` about each request. By then the token has been verified: what it says is in
# `input.postern`, so a policy needn't check signatures, issuers or expiry. The request itself is in
# `input.attributes.request.http`, as Envoy describes it.
#
# Change this file while `postern dev` runs: it is compiled, signed, published, and decides a second later.
package orders.authz

# The answer is an object. `allowed` decides; the rest says how to refuse.
# Whatever the rules below don't speak of is refused.
default decision := {"allowed": false}

decision := {"allowed": true} if {
	is_orders
	has_scope
}

# The caller is known, but its token lacks the scope: say which, so that it can ask for one that has it.
decision := {
	"allowed": false,
	"http_status": 403,
	"postern": {
		"code": "insufficient_scope",
		"required_scope": required_scope,
		"reason": sprintf("%s on orders needs the scope %s", [method, required_scope]),
	},
} if {
	is_orders
	not has_scope
}

method := input.attributes.request.http.method

# `/orders` and everything below it, with or without a query. `input.postern.path` is the canonical path: without the
# query, and without tricks such as `/orders/../admin` or `%2e`.
is_orders if input.postern.path == "/orders"

is_orders if startswith(input.postern.path, "/orders/")

# Reading needs `orders:read`, everything else `orders:write`.
reading if method in {"GET", "HEAD"}

required_scope := "orders:read" if reading

required_scope := "orders:write" if not reading

has_scope if required_scope in input.postern.scopes
