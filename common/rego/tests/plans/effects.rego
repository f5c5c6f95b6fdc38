# What the answers of these depend on is written down in tests/effects.rs. Compiled by
# opa build -t plan -e effects/<rule> … -o bundle.tar.gz effects.rego offered.rego && tar -xzf bundle.tar.gz --to-stdout /plan.json
package effects

nothing if count(input.x) > 1

clock if time.now_ns() > 0

chance := rand.intn("x", 10)

host := opa.runtime()

through_a_rule if clock

by_a_function := twice(1)

twice(x) := x + chance

negated if not clock

in_a_comprehension := {x | some x in input.xs; x < time.now_ns()}

dynamic := data.offered[input.rule]

mocked if clock with time.now_ns as 1

a_builtin_by_another if size(input.x) == 2 with count as drawn

size(x) := count(x)

drawn(_) := rand.intn("y", 3)

a_function_by_a_builtin if at(1) with at as uuid.rfc4122

at(x) := x

both if {
	clock
	chance > 1
}
