# The same beside a set under a constant.
#entrypoint t/q
#data {}
#input 1
#module t.rego
package t

p[2] contains 1 if {
  true
}

q := 1 if {
  base64.decode(" a ") > data.t.p[1]
}
