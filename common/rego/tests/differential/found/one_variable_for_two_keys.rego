# A variable that stands for two keys is asked for as both: where those differ, no rule is come to.
#entrypoint t/v
#data {}
#input 1
#module t.rego
package t

u[x0] contains x0 if {
  glob.match("a/*", [], input)
  some x0 in input
}

v := 1 if {
  1 with data.m as data.t.u[1]["o"]
}
