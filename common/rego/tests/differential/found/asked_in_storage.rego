# A key that is asked for is looked up in OPA's storage, where numbers are names.
#entrypoint t/v
#data {"d":{"o":{"a":{"1":1},"c":[1,1]}}}
#input 1
#module t.rego
package t

q[x1] := x0 if {
  x2 := data.d["o"][x0][x1]
}

v[x1] := 1 if {
  1 != $"{data.t.q[1]}"
  some x0, x1 in input
}

