# And decide which failure is told.
#entrypoint t/r
#data {}
#input 1
#module t.rego
package t

q := 1 if {
  true
}

q := "a" if {
  true
}

r["b"] := endswith("1e1", input) if {
  true
}

r[x3] := 1 if {
  1 = 1 with data.t.p as data.t.q
  x3 := 1
}
