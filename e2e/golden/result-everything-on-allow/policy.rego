package envoy.authz

allow := {"allowed": true, "headers": {"x-a": "1"}, "response_headers_to_add": {"x-b": "2"}, "request_headers_to_remove": ["x-c"], "query_parameters_to_set": {"d": "4"}, "query_parameters_to_remove": ["e"], "dynamic_metadata": {"f": 6}, "body": "g", "http_status": 418, "other": 1}
