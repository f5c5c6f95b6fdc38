# After as many withs, too, the world is the one before them.
#entrypoint t
#data {"d":{"a":1}}
#input 1
#module t.rego
package t

p := 1 if {
  print()
}

u := 1 if {
  input[1]
} else := 1 if {
  bits.and(data.d["a"], data.d["a"]) >= 1 with data.m as 1
  x0 := data.t.p
}
