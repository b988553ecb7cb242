-- What people chose for a conversation's agent instead of what is configured; NULL for nothing.
ALTER TABLE conversation ADD COLUMN model TEXT;
ALTER TABLE conversation ADD COLUMN mode TEXT;
ALTER TABLE conversation ADD COLUMN effort TEXT;
