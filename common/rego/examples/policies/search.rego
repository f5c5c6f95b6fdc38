# Looks for numbers with a given product, and says what it finds.
package search

pairs contains [a, b] if {
	some a in numbers.range(1, input.up_to)
	some b in numbers.range(a, input.up_to)
	a * b == input.product
	print("found", a, "and", b)
}
