# at -O=0, t/v, lenient: OPA says {"a", "b"}; here it was without "b": a text is an index in OPA's storage, but not in what a with put in place
#entrypoint t/v
#entrypoint t/w
#entrypoint t/u
#entrypoint t/s
#entrypoint t/x
#entrypoint t/y
#data {"list":["a","b"],"deep":[{"l":["c","d"]}],"other":{"list":["e","f"]}}
#input {"a":"1","n":1}
#module t.rego
package t

v contains x if x := data.list["1"] with data.other as 1

v contains x if x := data.list[input.n] with data.list.z as 1

v contains x if x := data.list[input.a] with input as {"a": "0"}

v contains x if x := data.list[input.a] with input as {"a": "0"} with data.other.x as 2

w := x if x := data.list["1"] with data.list as ["x", "y"]

u := x if x := data.other.list["1"] with data.other.x as 1

s contains x if x := data.deep[_].l[input.a] with data.other as 1

s contains x if x := data.deep[_].l[input.a] with data.deep as [{"l": {"1": 3}}]

z := data.list[input.a] if data.list[input.a] != 1

x := w0 if w0 := z with data.deep as 2

y := [a, b, c] if {
  a := x with data.other.list as 1
  b := data.other.list["0"] with data.list as 2
  c := x with data.list as {"1": 7}
}
