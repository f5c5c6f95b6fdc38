# A rule whose head and value are constants is left at its first solution.
#entrypoint t/w
#data {}
#input {"l":1,"o":1}
#module t.rego
package t

w[10] := 1 if {
  some x0 in input
  print()
}
