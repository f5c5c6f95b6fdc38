# A constant object as a key is a constant for the index.
#entrypoint n/s
#data {"e":[{}]}
#input {}
#module n.rego
package n

s contains 1 if {
  every x0 in data.e {
  bits.and(1, input) >= input[1][x0]
}
}
