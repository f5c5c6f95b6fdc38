-- What sidecars are told of, in order: the head (one row), and the changes that can still be told one by one.
-- `check_word` is random: histories that share an epoch, as after a restored backup, differ in it.
CREATE TABLE change_log_head (
    one        BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch      TEXT   NOT NULL,
    sequence   BIGINT NOT NULL,
    check_word BIGINT NOT NULL
);
CREATE TABLE change_log (
    sequence   INTEGER NOT NULL PRIMARY KEY,
    check_word BIGINT  NOT NULL,
    change     BLOB    NOT NULL
);
