# The same, where the keys differ.
#entrypoint t/w
#data {}
#input {}
#module t.rego
package t

w[x][x] := 1 if { some x in ["a", "c"] }
w["b"] contains 1 if { true }
