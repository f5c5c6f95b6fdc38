# Rules whose plan has every kind of statement that OPA's planner writes. Compiled, as JSON and as protobuf, by
# opa build -t plan [--format proto] -e statements/all -e statements/default_of_else -o bundle.tar.gz statements.rego called.rego
package statements

all := {
	"array": [1, 2.5, null, input.x],
	"set": {input.x, "b"},
	"object": {"k": input.x, input.y: 1},
	"not": negated,
	"with": replaced,
	"dynamic": dynamic,
	"numbers": [big, -1, 1e3],
	"every": every_positive,
	"function": f(input.x, "s"),
	"partial_set": numbers,
	"partial_object": named,
	"comprehension": [v | some v in data.list],
	"merged": data.statements.nested,
	"shape": shape,
}

big := 123456789012345678901234567890

negated if not input.missing

replaced := x if x := data.statements.negated with input.missing as true with data.list as [3]

replaced := false if not data.statements.negated with input.missing as true

dynamic := data.called[input.name].value

every_positive if every n in data.list { n > 0 }

default f(_, _) := "other"

f(1, kind) := kind

f(x, _) := "one of two" if x in {2, 3}

numbers contains n if some n in data.list

named[key] := value if some key, value in input.object

nested.a.b := 1

nested.a[key] := value if some key, value in input.object

shape := "pair" if [_, _] = input.x

shape := "known" if {"k": _, "l": 1} = input.x

shape := "neither" if {
	input.x != 1
	not is_array(input.x)
	print("neither", input.x)
	count([input.x]) == 1
}

default default_of_else := "default"

default_of_else := 1 if {
	input.a == true
} else := 2 if {
	input.b == {1, 2}
} else := 3 if input.c == "c"
