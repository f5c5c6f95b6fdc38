# A name beside a constant that is no name, asked for: left at the first solution.
#entrypoint n/v/b
#data {}
#input 1
#module n.rego
package n

u["b"] contains 1 if {
  print()
}

u["a"]["b"] := 1 if {
  true
}

v["b"] := 1 if {
  x4 := data.n.u[x3]
}

v[true] := 1 if {
  true
}
