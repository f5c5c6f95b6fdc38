# Documents that stand under constants are gone over one by one: with the first there is an answer.
#entrypoint t/q
#data {"d":{}}
#input 1
#module t.rego
package t

p["c"] contains floor(data.d) if {
  true
}

p[10] contains 1 if {
  true
}

q := 1 if {
  some x0, x1 in data.t.p
}
