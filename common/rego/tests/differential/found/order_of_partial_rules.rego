# Rules with variables in their heads come first.
#entrypoint n/u
#data {}
#input 1
#module n.rego
package n

u[x0] := 1 if {
  print()
  x0 := 1
}

u["c"] := [1 |
  print(1)
] if {
  true
}
