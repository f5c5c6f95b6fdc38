package envoy.authz

schema := {"type": "object", "required": ["<a>&"]}

token := io.jwt.encode_sign({"alg": "HS256", "typ": "JWT"}, {"exp": 99}, {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})

verified := io.jwt.decode_verify(token, {"secret": "no", "time": 5})

matched := json.match_schema({"b": 1.50}, schema)

checked := json.verify_schema(schema)

# Of what is undefined nothing is told.
undefined if rand.intn("x", 1) == 7

# Nor of what is never asked for.
never := uuid.rfc4122("x")

allow := {"allowed": true, "dynamic_metadata": {"matched": matched[0], "checked": checked, "verified": verified[0]}} if not undefined
