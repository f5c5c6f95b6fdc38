# A rule looked up by name under `not`, of which a member isn't there: the planner's blocks end too early.
#entrypoint t/s
#data {}
#input {"b":"a"}
#module t.rego
package t

q["a"] := 1 if {
  true
}

s contains 1 if {
  not data.t.q[input["b"]][1]
}
