-- The files that came with a turn's message, as a JSON array of their names, sizes, media types and
-- addresses; NULL for none. What is in them is not kept here.
ALTER TABLE turn ADD COLUMN attachments TEXT;
