# An indexed comprehension's variable is written as what it was equated with.
#entrypoint t/u
#data {}
#input {"b":1e0}
#module t.rego
package t

u[x0] := {x0 |
  x0 == 1
} if {
  some x0 in input
}
