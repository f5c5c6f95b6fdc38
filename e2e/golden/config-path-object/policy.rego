package istio.authz

default allow := false

allow if input.attributes.request.http.method == "GET"

result := {"allowed": allow, "headers": {"x-a": "1"}}

nested := {"deep": {"allowed": true}}
