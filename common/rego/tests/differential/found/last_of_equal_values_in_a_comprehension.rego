# Of equal values under one key of a comprehension the last stays.
#entrypoint t/r
#data {}
#input {"a":1.0,"c":1}
#module t.rego
package t

r := 1 if {
  print({1: x0 |
  some x0 in input
})
}
