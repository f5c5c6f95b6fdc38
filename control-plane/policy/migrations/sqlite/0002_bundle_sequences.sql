-- The highest sequence that a signer gave to a bundle of each name (`metadata.postern.sequence`), whether or not that bundle
-- is still kept: sidecars that had it take no lower one.
CREATE TABLE bundle_sequences (
    name    TEXT   NOT NULL PRIMARY KEY,
    highest BIGINT NOT NULL
);
