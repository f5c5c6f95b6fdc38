-- Tokens that are revoked, an entry for each issuer and value. `kind` says what `value` is: `key_id`, or the JSON type of
-- the claim's value, `text`, `integer`, `boolean`; `claim` is empty for `key_id`. `id` is made from these four.
CREATE TABLE revocations (
    id            TEXT   NOT NULL PRIMARY KEY,
    issuer        TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    claim         TEXT   NOT NULL,
    value         TEXT   NOT NULL,
    issued_before BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    revoked_at    BIGINT NOT NULL,
    reason        TEXT   NOT NULL
);
CREATE INDEX revocations_by_age ON revocations (revoked_at, id);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
-- How many there are, expired ones included: counting a million rows is slow.
CREATE TABLE revocations_total (
    one   BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    total BIGINT NOT NULL
);
INSERT INTO revocations_total (one, total) VALUES (1, 0);
