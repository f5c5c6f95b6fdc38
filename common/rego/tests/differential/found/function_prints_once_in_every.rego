# In the body of an every, too.
#entrypoint t/s
#data {}
#input {"o":[1,1]}
#module t.rego
package t

q(1) := 1 if {
  print()
}

s := 1 if {
  every x0 in input["o"] {
  data.t.q(1) >= x0
}
}
