-- Whom a post speaks for, by name and colour (0xRRGGBB), and the line below its text.
ALTER TABLE delivery ADD COLUMN persona TEXT;
ALTER TABLE delivery ADD COLUMN color BIGINT;
ALTER TABLE delivery ADD COLUMN footer TEXT;

ALTER TABLE dead_letter ADD COLUMN persona TEXT;
ALTER TABLE dead_letter ADD COLUMN color BIGINT;
ALTER TABLE dead_letter ADD COLUMN footer TEXT;
