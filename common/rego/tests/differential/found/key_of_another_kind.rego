# A comprehension isn't looked into for a key of another kind.
#entrypoint n/s/b
#data {"d":1}
#input 1
#module t.rego
package t

p["b"] := 1 if {
  glob.match("a/*", [], input)
}

q := data.z if {
  some x0, x1 in data.t.p
}

v contains base64.encode(data.d) if {
  true
}
#module n.rego
package n

s["b"] := 1 if {
  true
}

s[x1] := 1 if {
  x1 := [1 |
  x0 := data.t.v
]
}
