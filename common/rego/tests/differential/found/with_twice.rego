# at -O=0, t/u, lenient: OPA says 1, printing ["", ""]; here it was 1, printing [""]
#entrypoint t/u
#data {}
#input 1
#module t.rego
package t

r contains 1 if {
  print()
}

s contains data.t.r if {
  true
}

u := 1 if {
  data.t.s != {1 |
  some x0, x1 in data.t.s
} with input as 1
}
