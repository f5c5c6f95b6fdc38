package p

default allow := false

allow if {
	input.user == "alice"
	input.role in data.roles
}

allow if {
	some r in input.roles
	data.grants[r].ok
	not denied
}

denied if input.bad

level := "high" if {
	input.n > 10
} else := "low" if {
	input.n > 0
	print("low", input.n)
} else := "none"

f(x) := x + 1 if x > 1

f(x) := 0 if x <= 1

names contains x if {
	some x in input.roles
	x != "a"
}

obj[k] := v if {
	some k, v in input.map
	f(v) > 2
}

deep.a[x] := y if some x, y in input.map

pairs[x] contains y if {
	some x, y in input.map
	y > 1
}

all_ok if every x in input.roles { startswith(x, "r") }

clash := 1 if input.c

clash := 2 if input.c

method_ok if {
	input.method == "GET"
	input.roles[0] == "a"
}

method_ok if {
	input.method == "PUT"
	count(input.roles) > 5
}

counted := count({x | some x in input.roles; x != "b"}) if input.n

mocked if allow with input.user as "alice" with input.role as "x"

missing if {
	input.n > 1
	input.nowhere.at.all
}

nested if {
	level == "low"
	allow
	not missing
}
