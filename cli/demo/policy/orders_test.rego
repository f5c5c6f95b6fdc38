# Run with `opa test .` in this folder.
package orders.authz_test

import data.orders.authz

# A request as Postern describes it, with the parts that the policy reads.
request(method, path, scopes) := {
	"attributes": {"request": {"http": {"method": method, "path": path}}},
	"postern": {"path": path, "scopes": scopes},
}

test_reading_needs_the_read_scope if {
	every method in ["GET", "HEAD"] {
		authz.decision == {"allowed": true} with input as request(method, "/orders", ["orders:read"])
		authz.decision == {"allowed": true} with input as request(method, "/orders/42", ["orders:read"])
		not authz.decision.allowed with input as request(method, "/orders", ["orders:write"])
	}
}

test_writing_needs_the_write_scope if {
	every method in ["POST", "PUT", "PATCH", "DELETE"] {
		authz.decision == {"allowed": true} with input as request(method, "/orders", ["orders:read", "orders:write"])
		refused := authz.decision with input as request(method, "/orders", ["orders:read"])
		refused.allowed == false
		refused.http_status == 403
		refused.postern.code == "insufficient_scope"
		refused.postern.required_scope == "orders:write"
	}
}

test_other_paths_are_refused if {
	every path in ["/", "/ordersx", "/admin", "/admin/orders"] {
		authz.decision == {"allowed": false} with input as request("GET", path, ["orders:read", "orders:write"])
	}
}

test_no_input_is_refused if {
	authz.decision == {"allowed": false} with input as {}
}
