-- API keys. `scopes` is space-separated; `sha256` is of the whole key; `expires_at` 0 means that it doesn't expire.
CREATE TABLE api_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    subject    TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    scopes     TEXT   NOT NULL,
    sha256     BLOB   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
