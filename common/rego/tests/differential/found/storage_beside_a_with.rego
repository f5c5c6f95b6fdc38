# at -O=0, t/v, lenient: OPA says 1; here it is undefined
#entrypoint t/v
#data {"d":{"o":{"1":{}}}}
#input 1
#module t.rego
package t

v := 1 if {
  1 < data.d["o"][1] with data.m as 1
}
