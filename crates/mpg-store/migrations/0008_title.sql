-- Whether an agent gave a thread a title.
ALTER TABLE thread ADD COLUMN renamed BOOLEAN NOT NULL DEFAULT FALSE;
