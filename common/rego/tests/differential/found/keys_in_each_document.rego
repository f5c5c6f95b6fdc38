# A key that is asked for narrows each document that a rule goes over.
#entrypoint t/u/a
#data {}
#input 1
#module t.rego
package t

s["b"] := 1 if {
  true
}

s["a"] := 1 if {
  true
}

u[x0][x0] := {1 |
  print()
} if {
  some x0 in data.t.s
}
