# entrypoint: bench/jwt_claims/decision
package bench.jwt_claims

# What most policies for OPA-Envoy do: take the token from its header, and decide on its claims.

default decision := {"allowed": false}

token := substring(input.attributes.request.http.headers.authorization, count("Bearer "), -1)

claims := payload if [_, payload, _] := io.jwt.decode(token)

decision := {"allowed": true, "headers": {"x-user": claims.sub}} if {
	claims.iss == "https://login.example.com"
	"urn:shop:orders" in claims.aud
	scopes := split(claims.scope, " ")
	"orders:read" in scopes
	input.attributes.request.http.method == "GET"
	some group in claims.groups
	group in data.groups_allowed
}
