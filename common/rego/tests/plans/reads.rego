# What these read is written down in tests/reads.rs. Compiled by
# opa build -t plan -e reads/<rule> … -o bundle.tar.gz reads.rego named.rego && tar -xzf bundle.tar.gz --to-stdout /plan.json
package reads

import input.attributes.request.http as http

method if http.method == "GET"

header if http.headers["x-tenant"] == "acme"

header_with_default if object.get(http.headers, "x-tenant", "none") == "acme"

any_header if {
	some name
	http.headers[name] == "acme"
}

headers_counted if count(http.headers) > 3

headers_passed_on if startswith(tenant_of(http.headers), "a")

tenant_of(headers) := headers["x-tenant"]

request := input.attributes.request

through_a_rule if request.http.method == "GET"

either := input.a if input.choose == 1

either := input.b if input.choose == 2

through_one_of_two if either.c == 1

roles contains role if some role in input.postern.claims.roles

by_role if "admin" in roles

kept := {"m": http.method, "source": input.attributes.source}

through_an_object if kept.m == "GET"

with_a_part if method with input.attributes.request.http.method as input.wanted

with_another if method with input as input.other

elsewhere if data.x.y == 1

by_a_name_from_data if input.attributes[data.name] == 1

every_segment if {
	every segment in input.parsed_path { segment != ".." }
}

negated if not input.attributes.request.http.host

whole if input == {"a": 1}

dynamic if data.named[input.rule]
