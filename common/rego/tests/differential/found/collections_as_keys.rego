#entrypoint t/q
#entrypoint t/w
#entrypoint t/u
#entrypoint t/v
#entrypoint t/e
#entrypoint t/r
#data {"d":{"l":[1,2,3]}}
#input {"a":1,"l":[1,2]}
#module t.rego
package t

p contains {} if print("object")

p contains [] if print("array")

p contains set() if print("set")

p contains [1, 2] if print("pair")

p contains [x, {"a": y}] if {
	some x in [1, 2]
	print("x", x)
	y := input.a
	print("y", y)
}

p contains {x} if {
	some x in [1, 2]
	print("in a set", x)
}

p contains {x: 1} if {
	some x in [1, 2]
	print("a key", x)
}

p contains {1, 2} if print("set of two")

p contains [x, x] if {
	some x in [1, 2]
	print("twice", x)
}

p contains [x, data.d.l[x]] if {
	some x in [0, 1]
	print("index", x)
}

p contains "a" if print("text")

q contains 1 if data.t.p[[1, input.a]]

q contains 2 if data.t.p[[1, {"a": 1}]]

q contains 3 if data.t.p[{}]

q contains 4 if data.t.p[[]]

q contains 5 if data.t.p[{1}]

q contains 6 if data.t.p[{input.a, 2}]

q contains 7 if data.t.p[{1: 1}]

q contains 8 if data.t.p[[1, {"a": 2}]]

q contains 9 if data.t.p[[1, 2]]

w[[x, input.a]] := x if {
	some x in [1, 2]
	print("w", x)
}

w[{x}] := x if {
	some x in [1, 2]
	print("w in a set", x)
}

w["b"] := 1 if print("b")

u contains 1 if w[[1, 1]]

u contains 2 if w[{2}]

v := w["b"]

e := p[{2}]

r := [data.t.p[{1}] | data.t.p[{1}]]
