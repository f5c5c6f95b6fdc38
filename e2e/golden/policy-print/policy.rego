package envoy.authz

allow if {
	print("seen", input.parsed_path)
	true
}
