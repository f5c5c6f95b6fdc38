# A function called again with the same arguments prints nothing.
#entrypoint t/u
#data {"d":{"l":[1,{"o":1,"0":1}]}}
#input 1
#module n.rego
package n

p(1) := 1 if {
  print()
}
#module t.rego
package t

u[x1] := data.n.p(1) if {
  x2 := data.d["l"][1][x1]
}
