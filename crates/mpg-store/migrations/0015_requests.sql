-- What agents ask people in a turn that has not ended: what it is about, the answers to its first
-- questions and what came of it, each as JSON.
DROP TABLE request;

CREATE TABLE request (
    seq          INTEGER NOT NULL PRIMARY KEY,
    conversation BIGINT  NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    turn         TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    request      TEXT    NOT NULL,
    about        TEXT    NOT NULL,
    opened_at    BIGINT  NOT NULL,
    until        BIGINT  NOT NULL,
    replies      TEXT    NOT NULL DEFAULT '[]',
    verdict      TEXT,
    told         BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (conversation, turn, id)
);

-- What people allowed for as long as a session lasts: a JSON array of rules.
ALTER TABLE session ADD COLUMN allowed TEXT NOT NULL DEFAULT '[]';

-- What people allowed in a project for good, and who did; nobody for an operator.
CREATE TABLE rule (
    seq      INTEGER NOT NULL PRIMARY KEY,
    project  TEXT    NOT NULL,
    rule     TEXT    NOT NULL,
    by_id    TEXT,
    by_name  TEXT,
    added_at BIGINT  NOT NULL,
    UNIQUE (project, rule)
);
