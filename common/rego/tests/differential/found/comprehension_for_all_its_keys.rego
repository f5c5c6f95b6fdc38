# OPA evaluates a comprehension with an index for all keys, and once more where nothing is found; without the index, as here.
#entrypoint t/p
#data {}
#input 1
#module t.rego
package t

p contains [1 |
  print()
  x1 == 1
  input[1]
] if {
  some x1 in {1 |
  true
}
}
