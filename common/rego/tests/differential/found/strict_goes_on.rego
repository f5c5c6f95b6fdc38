# In strict mode OPA goes on after a builtin's failure, and reports it at the end.
#entrypoint t/q
#entrypoint t/r
#data {"d":{}}
#input 1
#module t.rego
package t

q := 1 if {
  print(json.filter({}, input))
}

r contains abs(data.d) if {
  true
}

r contains 1 if {
  print("seen")
}
