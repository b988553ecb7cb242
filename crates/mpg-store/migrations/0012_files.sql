-- What is attached to a post, as JSON.
ALTER TABLE delivery ADD COLUMN files TEXT;
ALTER TABLE dead_letter ADD COLUMN files TEXT;
