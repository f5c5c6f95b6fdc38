# at -O=0, t/s, lenient: OPA says {}; here it was {"a": 1}
#entrypoint t/s
#data {}
#input {"a":-0}
#module t.rego
package t

r["a"]["b"] := 1 if {
  true
}

s[x0] := 1 if {
  input[x0] == -0
  not data.t.r[x0]
}
