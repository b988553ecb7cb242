-- Whether a turn that waits may be with its session's agent already: it was handed to the turn that
-- ran.
ALTER TABLE turn ADD COLUMN steered BOOLEAN NOT NULL DEFAULT FALSE;
