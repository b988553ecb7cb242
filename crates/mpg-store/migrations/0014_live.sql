-- How much is shown of the turns of a thread, where that is not what its project says.
ALTER TABLE thread ADD COLUMN verbosity TEXT;

-- How many tools a turn used, and how full the model's memory was behind it.
ALTER TABLE turn ADD COLUMN steps BIGINT;
ALTER TABLE turn ADD COLUMN context_used BIGINT;
ALTER TABLE turn ADD COLUMN context_window BIGINT;
