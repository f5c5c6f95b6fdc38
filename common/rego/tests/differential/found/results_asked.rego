#entrypoint t/q
#entrypoint t/w
#entrypoint t/u
#entrypoint t/v
#entrypoint t/e
#entrypoint t/x
#entrypoint t/y
#entrypoint t/z
#data {}
#input {"a":1,"l":[1,2]}
#module t.rego
package t

f(x) := 1 if print("one", x)

f(x) := 2 if print("two", x)

f(x) := [x, y] if {
	y := input.a
	print("pair", x)
}

g(x) := 1 if print("g", x) else := 2 if print("g else", x)

default h(_) := 0

h(x) := 1 if {
	x == 1
	print("h", x)
}

i(x) := y if {
	y := input.a + x
	print("i", x)
}

j(x) := f(x) if print("j", x)

k(x) := {x} if print("k", x)

k(x) := {y} if {
	y := x + 1
	print("k2", x)
}

l(x) if {
	x == 1
	print("l")
}

p contains f(1)

s contains g(1)

s contains g(2)

m contains h(1)

m contains h(2)

n contains i(1)

o contains j(2)

a contains k(3)

b contains l(1)

c contains [f(1), g(2)]

q contains 1 if data.t.p[1]

q contains 2 if data.t.p[2]

q contains 3 if data.t.p[[1, 1]]

w contains 1 if data.t.s[2]

w contains 2 if data.t.s[1]

w contains 3 if g(1) == 1

u contains 1 if data.t.m[0]

u contains 2 if h(1) == 1

u contains 3 if data.t.m[1]

v contains 1 if data.t.n[2]

v contains 2 if data.t.n[3]

e contains 1 if data.t.o[1]

e contains 2 if data.t.o[2]

e contains 3 if f(2) == 1

x contains 1 if data.t.a[{3}]

x contains 2 if data.t.a[{4}]

x contains 3 if data.t.a[{5}]

y contains 1 if data.t.b[true]

y contains 2 if data.t.b[false]

z contains 1 if data.t.c[[1, 2]]

z contains 2 if data.t.c[[2, 1]]

