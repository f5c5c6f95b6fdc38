# at -O=0, t/s, lenient: OPA says {1}; here it is {1.0}
#entrypoint t/s
#data {}
#input 1
#module t.rego
package t

p(1) := 1.0 if {
  true
}

p(x0) := x0 if {
  true
}

q := 1 if {
  1 == 1 with data.d.l as data.t.p(1)
}

s contains data.t.p(1) if {
  x1 := [1 |
  x0 := data.t.q
]
}
