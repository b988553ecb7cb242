-- What a gateway proves to the processes that outlive it: that it is a later owner of the same
-- state (epoch, which rises with each opening), and that it is an owner at all (secret).
ALTER TABLE installation ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN secret BLOB;
