# A function that is referred to as a document is undefined.
#entrypoint t/p
#data {}
#input 1
#module t.rego
package t

p["b"] contains 1 if {
  true
}

q(1) := 1 if {
  true
}

s contains [1 |
  some x0 in data.t.p
] if {
  not 1 != 1 with data.n.r as data.t.q
}
