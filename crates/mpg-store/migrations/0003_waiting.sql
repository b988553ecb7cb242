-- How often a turn's agent was cut off, and how often it had to wait for a usage limit.
ALTER TABLE turn ADD COLUMN setbacks BIGINT NOT NULL DEFAULT 0;
ALTER TABLE turn ADD COLUMN waits BIGINT NOT NULL DEFAULT 0;

-- The last of the turns that people were told wait for another start of the gateway.
ALTER TABLE conversation ADD COLUMN told TEXT;
