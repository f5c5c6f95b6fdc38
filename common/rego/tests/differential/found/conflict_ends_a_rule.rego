# A second value that differs ends a rule at once: nothing more is printed by it.
#entrypoint n/u
#data {"m":{}}
#input {"o":{"l":1,"o":1}}
#module n.rego
package n

u := data.m if {
  true
}

u := 1 if {
  x1 := input["o"][x0]
  print(x0)
}
