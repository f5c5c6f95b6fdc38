# A rule that data.statements.dynamic finds by its name.
package called.one

value := 1
