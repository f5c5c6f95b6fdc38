# A set at a number: `{1: set()}` where no rule succeeds.
#entrypoint t/p
#data {}
#input {}
#module t.rego
package t

p[1] contains 1 if {
  1 = input
}
