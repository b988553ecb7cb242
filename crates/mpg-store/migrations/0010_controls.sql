-- What people can act on in a post, as JSON; whom it calls; and the post whose message it takes over.
ALTER TABLE delivery ADD COLUMN controls TEXT;
ALTER TABLE delivery ADD COLUMN mentions TEXT;
ALTER TABLE delivery ADD COLUMN replaces TEXT;

ALTER TABLE dead_letter ADD COLUMN controls TEXT;
ALTER TABLE dead_letter ADD COLUMN mentions TEXT;
ALTER TABLE dead_letter ADD COLUMN replaces TEXT;

-- The messages of posts that others may still take over.
CREATE TABLE kept (
    thread   BIGINT NOT NULL REFERENCES thread (id) ON DELETE CASCADE,
    delivery TEXT   NOT NULL,
    message  TEXT   NOT NULL,
    PRIMARY KEY (thread, delivery)
);
