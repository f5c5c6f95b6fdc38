# entrypoint: bench/abac/decision
package bench.abac

# Attributes of the caller, of the resource and of the request decide; every denial says why.

default decision := {"allowed": false}

decision := {"allowed": true} if {
	count(denials) == 0
	permitted
}

resource := data.resources[input.parsed_path[0]]

permitted if {
	resource.owner_department == caller.department
	input.attributes.request.http.method in resource.methods
}

permitted if {
	caller.clearance >= resource.clearance
	input.attributes.request.http.method == "GET"
}

caller := data.callers[input.postern.subject]

denials contains "outside of the tenant" if resource.tenant != caller.tenant

denials contains "clearance" if {
	resource.sensitive
	caller.clearance < resource.clearance
}

denials contains "not from this network" if {
	resource.internal
	not startswith(input.attributes.source.address.socketAddress.address, "10.")
}

denials contains "suspended" if caller.suspended
