package envoy.authz

allow := "\u0000\u0007\u000b\u001f\u007f\u0085\u00a0\u2028\ufeff\u00ad" if input.attributes

allow := "é😀\"\\/ \n\t\u0301" if input.attributes

allow := {"a": ["  two  spaces  ", 1.50, null], "s": {1, "\u2029"}, "t": set(), "u": {}} if input.attributes

allow := 1e3 if input.attributes

allow := "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890" if input.attributes
