# The same.
#entrypoint n/p
#data {}
#input {"l":{"c":[1]}}
#module n.rego
package n

p[1] := 1 if {
  print()
}

p[x1] := 1 if {
  x2 := input["l"][x0][x1]
  print(1)
}
