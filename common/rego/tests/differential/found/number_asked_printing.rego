# The same, with `print`.
#entrypoint t/r
#data {}
#input {"o":{}}
#module t.rego
package t

p[x1] := 1 if {
  some x0, x1 in input
  print()
}

r["a"] := 1 if {
  true
}

r[x0] := 1 if {
  x0 = data.t.p[1]
}
