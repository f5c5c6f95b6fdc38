package envoy.authz

# The token is policy's to verify, with the keys that data holds.

default allow := false

token := substring(input.attributes.request.http.headers.authorization, count("Bearer "), -1)

claims := payload if {
	[valid, _, payload] := io.jwt.decode_verify(token, {
		"cert": data.issuer.jwks,
		"iss": data.issuer.name,
		"aud": data.issuer.audience,
	})
	valid
}

allow if {
	some role in claims.roles
	some permission in data.roles[role].permissions
	permission.method == input.attributes.request.http.method
	permission.resource == input.parsed_path[0]
}
