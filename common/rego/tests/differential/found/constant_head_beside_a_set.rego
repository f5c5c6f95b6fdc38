# Constant heads of two kinds beside each other, each left at its first solution.
#entrypoint t/v
#data {"e":[1,1]}
#input 1
#module t.rego
package t

v[x0] contains 1 if {
  x0 := 1
}

v[true]["a"] := 1 if {
  print(input)
  some x0, x1 in data.e
}
