-- Registered OAuth clients. `scopes` is space-separated (RFC 6749 §3.3), `audience` a JSON array of strings.
CREATE TABLE clients (
    client_id     TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL,
    scopes        TEXT   NOT NULL,
    audience      TEXT   NOT NULL,
    secret_sha256 BLOB   NOT NULL,
    created_at    BIGINT NOT NULL
);
