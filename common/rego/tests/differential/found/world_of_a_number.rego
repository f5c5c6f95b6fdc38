# After a with, the world of an input that is a number is the one before it: what a rule gave there is remembered.
#entrypoint t/u
#data {}
#input 1
#module t.rego
package t

r := 1 if {
  print()
}

u[x0] := 1 if {
  $"{data.t.r}" > 1
  data.n.s[x0] == 1
}
#module n.rego
package n

s["c"] := $"{data.t.r}" if {
  not 1 in 1 with data.m as 1
}
