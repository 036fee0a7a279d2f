-- Tokens by which a user's scripts read what the user's own page shows (docs/decisions/api-tokens.md). Only a token's hash is kept.
CREATE TABLE api_tokens (
  user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- A user has so many places and no more, whatever is made at once.
  place smallint NOT NULL CHECK (place BETWEEN 1 AND 20),
  name text NOT NULL CHECK (name ~ '^[\x21-\x7e]([\x20-\x7e]{0,62}[\x21-\x7e])?$'),
  token_hash text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- To the minute; NULL: never.
  used_at timestamptz,
  PRIMARY KEY (user_id, place)
);
