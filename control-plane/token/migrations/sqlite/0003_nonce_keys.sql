-- The keys of DPoP nonces. `key` is 32 bytes, sealed under the data folder's seal key.
CREATE TABLE nonce_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    key        BLOB   NOT NULL,
    not_before BIGINT NOT NULL,
    not_after  BIGINT NOT NULL
);
