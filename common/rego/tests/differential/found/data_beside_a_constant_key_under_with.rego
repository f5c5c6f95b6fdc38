# The same in the value of a with.
#entrypoint t/q
#data {}
#input 1
#module t.rego
package t

p[10] := 1 if {
  true
}

q[x2] := 1 if {
  not 1 < 1 with data.d.a as [1 |
  glob.match("a/*", [], input)
] with input as data.t.p[1]
  x2 := 1
}
