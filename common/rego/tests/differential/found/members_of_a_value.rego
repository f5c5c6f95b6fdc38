# Members of what another rule gives as a value: a conflict.
#entrypoint t/w
#data {}
#input {}
#module t.rego
package t

w[x] := {"z": 1} if { some x in ["a", "c"] }
w["a"].y := 1 if { true }
