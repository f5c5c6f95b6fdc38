# The same beside a rule that conflicts, which is not come to.
#entrypoint t/r
#data {}
#input 1
#module t.rego
package t

p[10] := 1 if {
  true
}

r contains {data.n.q, data.t.p[1]} if {
  true
}
#module n.rego
package n

q := 1 if {
  true
}

q := "a" if {
  true
}
