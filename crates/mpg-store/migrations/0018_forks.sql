-- The session whose history a session begins with, and the one that a conversation's next session
-- begins with.
ALTER TABLE session ADD COLUMN forked_from TEXT;
ALTER TABLE conversation ADD COLUMN fork TEXT;

-- What a thread grows from that goes on with another one's conversation: which session, where, for
-- whom, and what it is asked first, as JSON. A root may also be '>' and the message of a side question.
ALTER TABLE delivery ADD COLUMN fork TEXT;
ALTER TABLE dead_letter ADD COLUMN fork TEXT;
