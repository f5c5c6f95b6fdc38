# The same in an else.
#entrypoint t/s
#data {}
#input {}
#module t.rego
package t

p := 1 if {
  true
}

p := input if {
  true
}

r[true] := 1 if {
  true
}

s := 1 if {
  1 > 1
} else := data.t.r[1] if {
  1 in data.t.p
}
