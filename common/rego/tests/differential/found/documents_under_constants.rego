# Documents at numbers, booleans and names in one object.
#entrypoint t/w
#data {}
#input {"d":1}
#module t.rego
package t

w[1][x] := 1 if { some x in input.e }
w[2] contains 3 if { input.e }
w[3] := 1 if { true }
w["s"][true].y := 4 if { input.d == 2 }
w[null] := 4 if { input.d == 2 }
