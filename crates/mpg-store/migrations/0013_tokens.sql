-- What programs show to be let in. The hash is the SHA-256 of what a holder shows.
CREATE TABLE token (
    id         TEXT   NOT NULL PRIMARY KEY,
    hash       BLOB   NOT NULL,
    scope      TEXT   NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

-- Turns by when they ended, for what they took over time.
CREATE INDEX turn_ended ON turn (ended_at) WHERE state = 'ended';
