# entrypoint: bench/strings/decision
package bench.strings

# Tests of strings and regular expressions over the path and the headers.

default decision := {"allowed": false}

http := input.attributes.request.http

decision := {"allowed": true} if {
	regex.match(`^/orders/[0-9]{1,12}$`, input.postern.path)
	not blocked
	known_agent
	endswith(http.host, ".svc.cluster.local")
	lower(http.headers.accept) == "application/json"
}

blocked if contains(http.path, "..")

blocked if {
	some pattern in data.blocked
	regex.match(pattern, http.path)
}

blocked if glob.match("/internal/**", ["/"], http.path)

known_agent if {
	some prefix in data.agents
	startswith(http.headers["user-agent"], prefix)
}

known_agent if trim_space(split(http.headers["user-agent"], "/")[0]) == "curl"
