-- What is needed to find out whether a post was made, to keep those that could not be, and to read
-- what was said while nobody listened.

-- The message that the last confirmed post of a thread became in its place.
ALTER TABLE thread ADD COLUMN confirmed TEXT;

-- The posts that were given up, in the order in which they were. They outlive their thread.
CREATE TABLE dead_letter (
    seq      INTEGER NOT NULL PRIMARY KEY,
    platform TEXT    NOT NULL,
    channel  TEXT    NOT NULL,
    root     TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    turn     TEXT,
    agent    TEXT,
    body     TEXT    NOT NULL,
    reply_to TEXT,
    reason   TEXT    NOT NULL,
    died_at  BIGINT  NOT NULL
);

DROP INDEX delivery_dead;

-- The channels that are listened to, since when, and since when something may be missing.
CREATE TABLE channel (
    platform    TEXT   NOT NULL,
    channel     TEXT   NOT NULL,
    known_since BIGINT NOT NULL,
    gap_since   BIGINT,
    PRIMARY KEY (platform, channel)
);

-- Up to which message a place was read back: everything up to it counts as seen.
CREATE TABLE place_read (
    platform  TEXT   NOT NULL,
    channel   TEXT   NOT NULL,
    thread    TEXT   NOT NULL,
    id_length BIGINT NOT NULL,
    id        TEXT   NOT NULL,
    PRIMARY KEY (platform, channel, thread)
);

DROP TABLE gap;
