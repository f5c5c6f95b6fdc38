# The same in several forms.
#entrypoint t/s
#data {}
#input {"b":"a","c":"zz"}
#module t.rego
package t

q["a"] := {"admin": false, "x": 1} if { true }
q["b"] := {"admin": true} if { true }
s contains 1 if { not data.t.q[input.b].admin }
s contains 2 if { not data.t.q[input.c].admin }
s contains 3 if { not data.t.q[input.b].x }
s contains 4 if { not data.t.q[input.b].y }
s contains 5 if { not data.t.q[input.b].y with input.b as "b" }
s contains 6 if { not data.t.q[input.b].admin with input.b as "b" }


s contains 9 if { not data.t.q[input.b].x.y }
s contains 10 if { not data.t.q[input.b].x == 1 }
s contains 11 if { not data.t.q[input.b].x == 2 }
s contains 12 if { not data.t.q[input.b].w == 2 }
