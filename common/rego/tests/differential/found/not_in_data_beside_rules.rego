# a name that neither a rule nor base data has, one that a rule has, one that base data has
#entrypoint t/s
#data {"t":{"r":{"c":{"d":1}}}}
#input {"a":1,"c":1,"d":1}
#module t.rego
package t

r["a"]["b"] := 1 if {
  true
}

s[x0] := 1 if {
  input[x0] == 1
  not data.t.r[x0]
}
