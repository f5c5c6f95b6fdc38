# A number as the key that is asked for.
#entrypoint t/s
#data {}
#input {}
#module n.rego
package n

p["a"] := 1 if {
  (input - 1) <= 1
}

p[x0] := 1 if {
  data.e[x0] == 1
}
#module t.rego
package t

s["c"] := data.n.p[1] if {
  true
}

s[x2] := 1 if {
  x2 := 1
}
