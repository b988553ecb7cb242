-- Who asks a turn: a person, an agent that handed over, or the gateway that brings the answers to what
-- was handed to several agents.
ALTER TABLE turn ADD COLUMN origin TEXT NOT NULL DEFAULT 'person'
    CHECK (origin IN ('person', 'handoff', 'joined'));
ALTER TABLE turn ADD COLUMN parent TEXT;
ALTER TABLE turn ADD COLUMN handed_by TEXT;

-- The handoffs of a thread since a person last wrote, and what they took together.
CREATE TABLE handoff (
    seq        INTEGER NOT NULL PRIMARY KEY,
    thread     BIGINT  NOT NULL REFERENCES thread (id) ON DELETE CASCADE,
    from_agent TEXT    NOT NULL,
    to_agent   TEXT    NOT NULL,
    likeness   BLOB    NOT NULL
);

CREATE INDEX handoff_of_thread ON handoff (thread);

ALTER TABLE thread ADD COLUMN spent_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE thread ADD COLUMN spent_microdollars BIGINT NOT NULL DEFAULT 0;
ALTER TABLE thread ADD COLUMN spent_ms BIGINT NOT NULL DEFAULT 0;

-- What was handed to several agents at once, by the turn that did it.
DROP TABLE fan_out;

CREATE TABLE fan_out (
    thread         BIGINT NOT NULL REFERENCES thread (id) ON DELETE CASCADE,
    parent         TEXT   NOT NULL,
    agent          TEXT   NOT NULL,
    cause_platform TEXT   NOT NULL,
    cause_channel  TEXT   NOT NULL,
    cause_thread   TEXT   NOT NULL,
    cause_message  TEXT   NOT NULL,
    author         TEXT   NOT NULL,
    PRIMARY KEY (thread, parent)
);

-- Each of these agents, and what it answered.
CREATE TABLE branch (
    thread   BIGINT NOT NULL,
    parent   TEXT   NOT NULL,
    position BIGINT NOT NULL,
    turn     TEXT   NOT NULL,
    agent    TEXT   NOT NULL,
    answer   TEXT,
    PRIMARY KEY (thread, parent, position),
    FOREIGN KEY (thread, parent) REFERENCES fan_out (thread, parent) ON DELETE CASCADE
);
