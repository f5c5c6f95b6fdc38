# What a with puts below an object of the store is gone after it; in OPA that holds in one of the two forms of its store only.
#entrypoint n/p
#data {"e":[{}]}
#input 1
#module n.rego
package n

p contains 1 if {
  [{1 |
  some x1 in input with data.d.l as 1
}, data.d["l"]] <= {1 |
  true
} with data.d as data.e[0]
}
