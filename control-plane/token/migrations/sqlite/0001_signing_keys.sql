-- Signing keys. `public_jwk` is JSON, `private_key` PKCS#8 sealed under the data folder's seal key.
CREATE TABLE signing_keys (
    kid         TEXT   NOT NULL PRIMARY KEY,
    algorithm   TEXT   NOT NULL,
    public_jwk  TEXT   NOT NULL,
    private_key BLOB   NOT NULL,
    created_at  BIGINT NOT NULL
);
