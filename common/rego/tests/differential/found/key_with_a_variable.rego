# at -O=0, t/v, strict: OPA says undefined; here it was eval_builtin_error: endswith: operand 2 must be string but got number
#entrypoint t/v
#data {}
#input 1
#module t.rego
package t

v := 1 if {
  x1 := 1
  endswith("é", input)
  1 == input[1][[x1]]
}
