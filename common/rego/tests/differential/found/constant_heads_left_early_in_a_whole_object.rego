# Of a whole object, too.
#entrypoint n/q
#data {}
#input {"l":[1,[1,1]]}
#module n.rego
package n

p["c"] := 1 if {
  input["l"][1][x1] == 1
  print()
}

p[2] := 1 if {
  true
}

q := 1 if {
  1 <= data.n.p
}
