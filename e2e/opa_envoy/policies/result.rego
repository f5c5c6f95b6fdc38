package envoy.authz

# The result that the request asks for.
allow := json.unmarshal(input.attributes.request.http.headers["x-result"])
