-- Published bundles, the last few revisions of each name; the highest `sequence` is the one that is served.
CREATE TABLE bundles (
    name         TEXT   NOT NULL,
    sequence     BIGINT NOT NULL,
    revision     TEXT   NOT NULL,
    etag         TEXT   NOT NULL,
    archive      BLOB   NOT NULL,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (name, sequence)
);
