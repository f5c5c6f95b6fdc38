# With p[true] := 1, data.p[1] is base data, and the index knows that it is not there.
#entrypoint t/q
#data {}
#input 1
#module t.rego
package t

p[true] := 1 if {
  true
}

q["a"] := 1 if {
  format_int(1, 1) > data.t.p[1]
}
