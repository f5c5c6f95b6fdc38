package envoy.authz

# The token is Envoy's to verify (jwt_authn); policy reads its claims.

default allow := false

token := substring(input.attributes.request.http.headers.authorization, count("Bearer "), -1)

claims := payload if [_, payload, _] := io.jwt.decode(token)

allow if {
	some role in claims.roles
	some permission in data.roles[role].permissions
	permission.method == input.attributes.request.http.method
	permission.resource == input.parsed_path[0]
}
