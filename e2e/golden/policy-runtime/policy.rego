package envoy.authz

runtime := opa.runtime()

# Where it listens and what it logs differs with each start.
config := object.union(
	object.remove(runtime.config, {"decision_logs", "plugins"}),
	{"plugins": object.remove(runtime.config.plugins.envoy_ext_authz_grpc, {"addr"})},
)

allow := {
	"allowed": true,
	"dynamic_metadata": {
		"members": object.keys(runtime),
		"others": object.remove(runtime, {"config", "env"}),
		"config": config,
		"path": startswith(runtime.env.PATH, "/"),
		"none": object.get(runtime.env, "POSTERN_NOT_SET", "absent"),
	},
}
