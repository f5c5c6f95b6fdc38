# entrypoint: bench/large_object/decision
package bench.large_object

# Builds an object of all headers, one of two hundred entitlements, and answers with both.

decision := {
	"allowed": true,
	"dynamic_metadata": {"headers": headers, "entitlements": entitlements},
}

headers := {name: value |
	some name, value in input.attributes.request.http.headers
	not startswith(name, ":")
}

entitlements := {key: entry |
	some index, product in data.products
	key := sprintf("%s/%s", [product.family, product.name])
	entry := {"level": product.level, "index": index, "subject": input.postern.subject}
}
