# A document at a number: `{1: {}}` where no rule succeeds.
#entrypoint t/q
#data {}
#input 1
#module t.rego
package t

q[1][1] := 1 if {
  some x0 in input
}
