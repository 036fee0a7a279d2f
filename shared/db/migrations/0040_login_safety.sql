-- Failed logins slow down the next ones, on whichever function they arrive; and a second factor beside the password.

-- A key is a hash of a name, an address, or both; whose, nobody can read here. Times are Unix milliseconds.
CREATE TABLE login_failures (
  key text COLLATE "C" PRIMARY KEY,
  failures integer NOT NULL,
  last_ms double precision NOT NULL,
  locked_until_ms double precision NOT NULL
);
CREATE INDEX login_failures_last ON login_failures (last_ms);

-- Begins a try under all keys [{"key", "free", "firstMs", "longestMs", "forgetMs"}], or under none where one of them is locked.
-- It counts as a failure at once, so that many at a time do not pass before the first has failed. Returns the milliseconds to wait; 0: it has begun.
CREATE FUNCTION login_begin(p_keys text, p_now_ms double precision) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
  v_until double precision;
BEGIN
  DELETE FROM login_failures WHERE key IN (SELECT key FROM login_failures WHERE last_ms < p_now_ms - 86400000 ORDER BY key LIMIT 10 FOR UPDATE SKIP LOCKED);
  INSERT INTO login_failures (key, failures, last_ms, locked_until_ms)
    SELECT k.key, 0, p_now_ms, 0 FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text) ORDER BY k.key COLLATE "C" ON CONFLICT DO NOTHING;
  PERFORM 1 FROM login_failures f WHERE f.key IN (SELECT k.key FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text)) ORDER BY f.key FOR UPDATE;
  UPDATE login_failures f SET failures = 0, locked_until_ms = 0
    FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text, "forgetMs" double precision)
    WHERE f.key = k.key AND f.last_ms <= p_now_ms - k."forgetMs";
  SELECT max(f.locked_until_ms) INTO v_until FROM login_failures f
    WHERE f.key IN (SELECT k.key FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text));
  IF v_until > p_now_ms THEN RETURN v_until - p_now_ms; END IF;
  UPDATE login_failures f SET failures = f.failures + 1, last_ms = p_now_ms,
      locked_until_ms = CASE WHEN f.failures < k.free THEN 0
        ELSE p_now_ms + least(k."longestMs", k."firstMs" * power(2, least(40, f.failures - k.free))) END
    FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text, free integer, "firstMs" double precision, "longestMs" double precision)
    WHERE f.key = k.key;
  RETURN 0;
END $$;

-- Ends a try that was no failure: takes its count and its lock back under all keys, and forgets p_forget altogether.
CREATE FUNCTION login_end(p_keys text, p_forget text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM login_failures f WHERE f.key IN (SELECT k.key FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text)) ORDER BY f.key FOR UPDATE;
  UPDATE login_failures f SET failures = greatest(0, f.failures - 1), locked_until_ms = 0
    FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text) WHERE f.key = k.key;
  DELETE FROM login_failures WHERE key = p_forget;
END $$;

-- One a user. Until it is confirmed by a code it is only on its way and asks for nothing.
CREATE TABLE second_factors (
  user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  secret bytea NOT NULL,                  -- shared with the user's authenticator: it has to be readable here
  made_at timestamptz NOT NULL DEFAULT now(),
  confirmed_at timestamptz,
  last_step bigint NOT NULL DEFAULT 0     -- the newest 30 seconds whose code was used: no code works twice
);

-- Each lets its user in once without the authenticator.
CREATE TABLE recovery_codes (
  user_id bigint NOT NULL REFERENCES second_factors ON DELETE CASCADE,
  code_hash text NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (user_id, code_hash)
);
