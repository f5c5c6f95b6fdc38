# Rules that data.reads.dynamic finds by their name.
package named

one if input.a.b == 1

two if input.c == 2
