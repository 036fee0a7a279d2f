-- What a user's own page reads by name.

CREATE INDEX payments_user ON payments (user_name, at DESC);
CREATE INDEX adjustments_user ON adjustments (user_name, at DESC);
CREATE INDEX sessions_user ON sessions (user_id);
