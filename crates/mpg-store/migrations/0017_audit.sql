-- Who did what: each entry's hash covers that of the one before it.
CREATE TABLE audit (
    number INTEGER NOT NULL PRIMARY KEY,
    at     BIGINT  NOT NULL,
    body   TEXT    NOT NULL,
    hash   BLOB    NOT NULL
);

-- Where what is kept of the chain begins, and where it ends.
CREATE TABLE audit_chain (
    one         INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    pruned      BIGINT  NOT NULL,
    pruned_hash BLOB    NOT NULL,
    last        BIGINT  NOT NULL,
    last_hash   BLOB    NOT NULL
);

INSERT INTO audit_chain VALUES (1, 0, zeroblob(32), 0, zeroblob(32));
