//! OPA's plans, executed: values, the plan machine, builtins. Knows nothing of Envoy or of Postern.
