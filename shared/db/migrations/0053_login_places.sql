-- Guesses at a login are counted by where they come from, so that a stranger's never bind the owner: its own places (addresses and
-- devices that a right password came from) and its sessions count for themselves, everybody else together. No row that a stranger can
-- multiply: one counter at most for a name that exists. A counter is one number: the Unix milliseconds at which all its guesses are forgotten
-- (shared/accounts/guesses.ts). login_failures (0040) is emptied; it and its functions stay for functions of the version before that still run.

DELETE FROM login_failures;

-- Of guesses from places that are not the owner's. User 0 stands for every name that does not exist, so that a guess at one takes as long.
CREATE TABLE login_guesses (
  user_id bigint PRIMARY KEY,
  empty_at_ms double precision NOT NULL
);
INSERT INTO login_guesses VALUES (0, 0);

CREATE TABLE login_places (
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  place text COLLATE "C" NOT NULL,        -- sha256 of the address or of the device's token
  kind text NOT NULL CHECK (kind IN ('address', 'device')),
  used_ms double precision NOT NULL,      -- when a right password last came from it
  empty_at_ms double precision NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, place)
);
CREATE INDEX login_places_place ON login_places (place);

ALTER TABLE sessions ADD COLUMN empty_at_ms double precision NOT NULL DEFAULT 0;

-- The counter after one more guess; null where there is no room for it.
CREATE FUNCTION after_guess(p_empty_at_ms double precision, p_now_ms double precision, p_free integer, p_every_ms double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_empty_at_ms > p_now_ms + p_free * p_every_ms THEN p_now_ms + p_every_ms
    WHEN p_empty_at_ms > p_now_ms + (p_free - 1) * p_every_ms THEN NULL
    ELSE greatest(p_empty_at_ms, p_now_ms) + p_every_ms END
$$;

-- Begins a guess at the name: at the first of the places [hash, …] that it is known from and that has room; where it is known from none,
-- and p_stranger, at what all strangers share. It is counted at once, so that many at a time do not pass before the first has failed. `counter` names what was
-- counted: the place, 'strangers', or 'nobody' for a name that does not exist. Without one it has not begun, and `wait_ms` says for how long
-- not (null where only p_stranger forbids it).
CREATE FUNCTION login_guess(
  p_name text, p_places text, p_stranger boolean, p_now_ms double precision, p_free integer, p_every_ms double precision,
  OUT counter text, OUT wait_ms double precision
) LANGUAGE plpgsql AS $$
DECLARE
  v_user bigint;
  v_place text;
  v_empty double precision;
BEGIN
  SELECT id INTO v_user FROM users WHERE name = p_name;
  FOR v_place IN SELECT t.value FROM jsonb_array_elements_text(p_places::jsonb) WITH ORDINALITY AS t(value, nth) ORDER BY t.nth LOOP
    SELECT empty_at_ms INTO v_empty FROM login_places WHERE user_id = v_user AND place = v_place;
    CONTINUE WHEN NOT FOUND;
    UPDATE login_places SET empty_at_ms = after_guess(empty_at_ms, p_now_ms, p_free, p_every_ms)
      WHERE user_id = v_user AND place = v_place AND after_guess(empty_at_ms, p_now_ms, p_free, p_every_ms) IS NOT NULL;
    IF FOUND THEN counter := v_place; RETURN; END IF;
    wait_ms := least(wait_ms, greatest(1, v_empty - (p_free - 1) * p_every_ms - p_now_ms));
  END LOOP;
  SELECT empty_at_ms INTO v_empty FROM login_guesses WHERE user_id = v_user;
  IF wait_ms IS NOT NULL OR NOT p_stranger THEN RETURN; END IF;
  IF v_user IS NULL THEN
    UPDATE login_guesses SET empty_at_ms = p_now_ms WHERE user_id IN (SELECT user_id FROM login_guesses WHERE user_id = 0 FOR UPDATE SKIP LOCKED);
    counter := 'nobody';
    RETURN;
  END IF;
  -- Looked at before anything is locked: whoever must wait writes nothing.
  IF after_guess(v_empty, p_now_ms, p_free, p_every_ms) IS NOT NULL OR v_empty IS NULL THEN
    INSERT INTO login_guesses AS g VALUES (v_user, p_now_ms + p_every_ms)
      ON CONFLICT (user_id) DO UPDATE SET empty_at_ms = after_guess(g.empty_at_ms, p_now_ms, p_free, p_every_ms)
      WHERE after_guess(g.empty_at_ms, p_now_ms, p_free, p_every_ms) IS NOT NULL;
    IF FOUND THEN counter := 'strangers'; RETURN; END IF;
    SELECT empty_at_ms INTO v_empty FROM login_guesses WHERE user_id = v_user;
  END IF;
  wait_ms := greatest(1, v_empty - (p_free - 1) * p_every_ms - p_now_ms);
END $$;

-- A guess that was none: it is not counted.
CREATE FUNCTION login_take_back(p_name text, p_counter text, p_every_ms double precision) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_counter = 'strangers' THEN
    UPDATE login_guesses SET empty_at_ms = empty_at_ms - p_every_ms WHERE user_id = (SELECT id FROM users WHERE name = p_name);
  ELSE
    UPDATE login_places SET empty_at_ms = empty_at_ms - p_every_ms
      WHERE user_id = (SELECT id FROM users WHERE name = p_name) AND place = p_counter;
  END IF;
END $$;

-- A right password came from here: of each kind the newest p_most are kept.
CREATE FUNCTION login_remember(p_name text, p_kind text, p_place text, p_now_ms double precision, p_most integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_user bigint;
BEGIN
  SELECT id INTO v_user FROM users WHERE name = p_name FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO login_places (user_id, place, kind, used_ms) VALUES (v_user, p_place, p_kind, p_now_ms)
    ON CONFLICT (user_id, place) DO UPDATE SET used_ms = p_now_ms;
  DELETE FROM login_places WHERE user_id = v_user AND kind = p_kind AND place NOT IN (
    SELECT place FROM login_places WHERE user_id = v_user AND kind = p_kind ORDER BY used_ms DESC, place LIMIT p_most);
END $$;
