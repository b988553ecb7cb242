-- The answers of a thread in the order in which they were posted.
CREATE INDEX delivery_answer ON delivery (thread, seq) WHERE kind = 'answer';
