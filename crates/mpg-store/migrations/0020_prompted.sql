-- What was said from outside of every platform, by its key: that is how such an id begins.
CREATE INDEX delivery_prompted ON delivery (id) WHERE kind IN ('prompt', 'told');
