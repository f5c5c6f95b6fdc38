package envoy.authz

# The whole input, as values and as text.
allow := {
	"allowed": true,
	"headers": {"x-input": json.marshal(input)},
	"dynamic_metadata": {"input": input},
}
