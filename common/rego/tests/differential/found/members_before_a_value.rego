# The same the other way round: none, if both agree.
#entrypoint t/w
#data {}
#input {}
#module t.rego
package t

w["a"].z := 1 if { true }
w[x] := {"z": 1} if { some x in ["a", "c"] }
