# Policies for the test of remembered answers, each of which looks at other parts of what it is asked with, in another way.
# `cache.plan.json` is what OPA 1.22.2 makes of it:
#   opa build -t plan -e cache/… (each rule that is named in tests/decision_cache/policies.rs) cache.rego
package cache

http_request := input.attributes.request.http

# One part.
by_method if http_request.method == "GET"

by_path if input.parsed_path[0] == "orders"

by_canonical_path := {"allowed": startswith(input.postern.path, "/orders")}

by_query if "1" in input.parsed_query.a

by_body if input.parsed_body.amount < 100

by_whole_body := {"allowed": true, "dynamic_metadata": {"body": input.parsed_body}}

by_host := {"allowed": http_request.host == "api.example", "headers": {"x-host": http_request.host}}

by_header if http_request.headers["x-tenant"] == "acme"

by_header_or_none := {"allowed": true, "headers": {"x-tenant-seen": object.get(http_request.headers, "x-tenant", "none")}}

by_absent_header if not http_request.headers["x-blocked"]

by_two_headers := {"allowed": false, "http_status": 403, "body": sprintf("%v/%v", [http_request.headers["x-tenant"], object.get(http_request.headers, "x-blocked", null)])}

# The caller.
by_subject if input.postern.subject == "alice"

by_claim if input.postern.claims.tenant == "acme"

by_roles if "admin" in input.postern.claims.roles

by_claim_text := {"allowed": true, "headers": {"x-level": sprintf("%v", [input.postern.claims.level])}}

by_nested_claim if input.postern.claims.org.unit == "a"

by_all_claims := {"allowed": true, "dynamic_metadata": {"claims": object.remove(input.postern.claims, ["jti", "exp", "iat"])}}

by_scope if "orders:write" in input.postern.scopes

by_scope_count := {"allowed": true, "headers": {"x-scopes": format_int(count(input.postern.scopes), 10)}}

by_client if input.postern.client_id == "shop"

by_auth if input.postern.auth == ["jwt"]

by_anyone if not input.postern.subject

# The connection.
by_source if input.attributes.source.address.socketAddress.address == "10.0.0.1"

by_principal if input.source_principal == "spiffe://example.org/a"

by_labels if input.attributes.source.labels.app == "web"

by_extension if input.attributes.contextExtensions.tier == "gold"

by_sni if input.attributes.tlsSession.sni == "api"

# Several, as policies do.
rbac := {"allowed": true} if {
	some role in input.postern.claims.roles
	some permission in {"admin": [["GET", "orders"], ["POST", "orders"]], "reader": [["GET", "orders"]]}[role]
	permission[0] == http_request.method
	permission[1] == input.parsed_path[0]
} else := {"allowed": false, "postern": {"reason": sprintf("%v may not", [input.postern.subject])}}

owner if {
	http_request.method in ["GET", "PUT"]
	http_request.headers["x-tenant"] == input.postern.claims.tenant
	input.parsed_path[1] == input.postern.subject
}

conflicting := 1 if http_request.method == "GET"

conflicting := 2 if input.postern.claims.tenant == "acme"

conflict := {"allowed": conflicting == 1}

ill_formed := {"allowed": "yes"} if http_request.method == "GET"

ill_formed := {"allowed": true} if http_request.method == "POST"

nothing_read := true

mocked if by_method with input.attributes.request.http.method as http_request.headers["x-method"]

# The clock.
at_even_seconds if (time.now_ns() / 1000000000) % 2 == 0

at_even_seconds_of_acme if {
	input.postern.claims.tenant == "acme"
	floor(time.now_ns() / 1000000000) % 2 == 0
}

token := trim_prefix(http_request.headers["x-token"], "Bearer ")

by_token if io.jwt.decode_verify(token, {"secret": "secret", "alg": "HS256"})[0]

by_token_of := {"allowed": verified, "headers": {"x-of": sub}} if {
	[verified, _, payload] := io.jwt.decode_verify(token, {"secret": "secret", "alg": "HS256"})
	sub := object.get(payload, "sub", "nobody")
}

by_token_then if io.jwt.decode_verify(token, {"secret": "secret", "alg": "HS256", "time": 1800000003000000000})[0]

# Randomness.
by_chance if rand.intn("chance", 2) == 0

by_chance_of_acme if {
	input.postern.claims.tenant == "acme"
	rand.intn("chance", 2) == 0
}

# What says for how long.
stated := {"allowed": http_request.method == "GET", "postern": {"cache_seconds": 5}}

never := {"allowed": http_request.method == "GET", "postern": {"cache_seconds": 0}}

stated_second := {"allowed": true, "headers": {"x-at": sprintf("%v", [time.now_ns()])}, "postern": {"cache_seconds": 5}}

# The network.
by_asking if asked == 200

by_asking_stated := {"allowed": asked == 200, "postern": {"cache_seconds": 5}}

asked := http.send({"method": "GET", "url": "https://api.example/may"}).status_code if http_request.method == "GET"

# What differs in each request.
by_id if http_request.headers["x-request-id"] != ""

by_all_headers if count(http_request.headers) > 5
