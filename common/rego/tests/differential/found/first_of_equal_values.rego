# Of equal values the one that OPA comes to first stays, as it is written.
#entrypoint t/s/a
#data {"d":{"l":{"a":{"a":1.0}}}}
#input 1
#module t.rego
package t

s[x1] := x2 if {
  x2 := data.d["l"][x0][x1]
}

s["a"] := 1 if {
  true
}

