# Storage finds a member by a number, and OPA's index doesn't.
#entrypoint t/q
#data {"d":{"c":{"1":1}}}
#input {"c":1}
#module t.rego
package t

q[2] := input if {
  data.d["c"][input["c"]]
}
