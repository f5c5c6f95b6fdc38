# A variable in the head is written as the key that is asked for.
#entrypoint t/u
#data {}
#input {"b":0.0}
#module n.rego
package n

r[x0] contains x0 if {
  x0 := 0
}
#module t.rego
package t

u[x0]["c"] := 1 if {
  x0 := data.n.r[input["b"]]
}
