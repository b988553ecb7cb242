-- The tables are the truth; load() reads only what is still live, the rest is history for views.
--
-- Times are nanoseconds since 1970-01-01 UTC. Ids that are derived are UUIDs in their hyphenated
-- form. Three parts of keys are written as their names show them, so that "none" and an empty name
-- stay two things: a thread is '' (the channel itself) or '/' and its id, a root is '' (the
-- channel) or '#' and the message's id, an agent is '' (the default one) or '@' and its name.

CREATE TABLE installation (
    only_row   BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    id         TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE position (
    platform TEXT NOT NULL PRIMARY KEY,
    value    TEXT NOT NULL
);

-- Messages of a place are ordered by the length of their id in bytes, then by its bytes.
CREATE TABLE message (
    platform    TEXT   NOT NULL,
    channel     TEXT   NOT NULL,
    thread      TEXT   NOT NULL,
    id_length   BIGINT NOT NULL,
    id          TEXT   NOT NULL,
    author      TEXT   NOT NULL,
    disposition TEXT   NOT NULL,
    seen_at     BIGINT NOT NULL,
    PRIMARY KEY (platform, channel, thread, id_length, id)
);

CREATE TABLE thread (
    id                INTEGER NOT NULL PRIMARY KEY,
    platform          TEXT    NOT NULL,
    channel           TEXT    NOT NULL,
    root              TEXT    NOT NULL,
    place_platform    TEXT,
    place_channel     TEXT,
    place_thread      TEXT,
    last_agent        TEXT    NOT NULL DEFAULT '',
    turns_since_human BIGINT  NOT NULL DEFAULT 0,
    active_at         BIGINT  NOT NULL,
    UNIQUE (platform, channel, root)
);

CREATE TABLE conversation (
    id      INTEGER NOT NULL PRIMARY KEY,
    thread  BIGINT  NOT NULL REFERENCES thread (id) ON DELETE CASCADE,
    agent   TEXT    NOT NULL,
    unbound TEXT,
    UNIQUE (thread, agent)
);

-- The session that a conversation is bound to. It resumes only in its directory.
CREATE TABLE session (
    conversation INTEGER NOT NULL PRIMARY KEY REFERENCES conversation (id) ON DELETE CASCADE,
    id           TEXT    NOT NULL,
    directory    TEXT    NOT NULL,
    answered     BOOLEAN NOT NULL
);

CREATE TABLE turn (
    seq                   INTEGER NOT NULL PRIMARY KEY,
    conversation          BIGINT  NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    id                    TEXT    NOT NULL,
    state                 TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'ended')),
    cause_platform        TEXT    NOT NULL,
    cause_channel         TEXT    NOT NULL,
    cause_thread          TEXT    NOT NULL,
    cause_message         TEXT    NOT NULL,
    author                TEXT    NOT NULL,
    prompt                TEXT    NOT NULL,
    queued_at             BIGINT  NOT NULL,
    attempt               BIGINT,
    continues             BOOLEAN,
    started_at            BIGINT,
    ended_at              BIGINT,
    outcome               TEXT,
    failure_kind          TEXT,
    failure_message       TEXT,
    input_tokens          BIGINT,
    output_tokens         BIGINT,
    cache_read_tokens     BIGINT,
    cache_creation_tokens BIGINT,
    cost_microdollars     BIGINT,
    duration_ms           BIGINT
);

CREATE INDEX turn_of_conversation ON turn (conversation);
CREATE INDEX turn_queued ON turn (conversation, seq) WHERE state = 'queued';
-- A conversation runs at most one turn at a time, whatever the gateway believes.
CREATE UNIQUE INDEX turn_running ON turn (conversation) WHERE state = 'running';

-- Posts in the order in which they are owed to their thread.
CREATE TABLE delivery (
    seq        INTEGER NOT NULL PRIMARY KEY,
    thread     BIGINT  NOT NULL REFERENCES thread (id) ON DELETE CASCADE,
    id         TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('planned', 'confirmed', 'dead')),
    kind       TEXT    NOT NULL,
    turn       TEXT,
    agent      TEXT,
    body       TEXT    NOT NULL,
    reply_to   TEXT,
    planned_at BIGINT  NOT NULL,
    message    TEXT,
    reason     TEXT
);

CREATE INDEX delivery_of_thread ON delivery (thread, id);
CREATE INDEX delivery_owed ON delivery (thread, seq) WHERE state = 'planned';
CREATE INDEX delivery_dead ON delivery (seq) WHERE state = 'dead';

-- A question or a permission that a turn waits for; detail is JSON.
CREATE TABLE request (
    conversation BIGINT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    id           TEXT   NOT NULL,
    turn         TEXT   NOT NULL,
    kind         TEXT   NOT NULL CHECK (kind IN ('permission', 'question')),
    state        TEXT   NOT NULL CHECK (state IN ('opened', 'shown', 'answered')),
    detail       TEXT   NOT NULL,
    opened_at    BIGINT NOT NULL,
    message      TEXT,
    answer       TEXT,
    answered_by  TEXT,
    answered_at  BIGINT,
    PRIMARY KEY (conversation, id)
);

-- The branches of a turn that asked several agents at once.
CREATE TABLE fan_out (
    thread    BIGINT NOT NULL REFERENCES thread (id) ON DELETE CASCADE,
    parent    TEXT   NOT NULL,
    branch    TEXT   NOT NULL,
    agent     TEXT   NOT NULL,
    opened_at BIGINT NOT NULL,
    joined_at BIGINT,
    PRIMARY KEY (thread, parent, branch)
);

-- A conversation whose turn waits for a usage limit to end.
CREATE TABLE parked (
    conversation INTEGER NOT NULL PRIMARY KEY REFERENCES conversation (id) ON DELETE CASCADE,
    turn         TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    parked_at    BIGINT  NOT NULL,
    resumes_at   BIGINT
);

-- A stretch of messages that a place has still to be asked for.
CREATE TABLE gap (
    platform  TEXT   NOT NULL,
    channel   TEXT   NOT NULL,
    thread    TEXT   NOT NULL,
    after     TEXT,
    until     TEXT,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    PRIMARY KEY (platform, channel, thread, opened_at)
);

-- What happened, for activity views and diagnosis: pruned by age, never replayed. Detail is small
-- JSON and holds no text of a person or an agent.
CREATE TABLE event (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at       BIGINT  NOT NULL,
    thread   TEXT,
    kind     TEXT    NOT NULL,
    detail   TEXT    NOT NULL
);

CREATE INDEX event_age ON event (at);
