# A set and an object at one key conflict.
#entrypoint t/w
#data {}
#input {}
#module t.rego
package t

w[x][x] := 1 if { some x in ["b", "c"] }
w["b"] contains 1 if { true }
