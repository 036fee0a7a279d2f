-- Decisions about money that nothing else could recompute, made evident: what administrators did, and every adjustment and
-- payment in one chain of hashes (docs/proofs.md). `prosper audit --replay` compares the rows with the chain.

-- What administrators did, by which name, to whom.
CREATE TABLE admin_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL,                    -- the administrator's name, or "command line"
  action text NOT NULL,                   -- in kebab-case, such as adjust
  subject text NOT NULL,                  -- the user or thing it was done to; "" where there is none
  details jsonb NOT NULL DEFAULT '{}'
);
CREATE TRIGGER admin_log_fixed BEFORE UPDATE OR DELETE ON admin_log FOR EACH ROW EXECUTE FUNCTION books_refuse();

-- The same request again books nothing.
ALTER TABLE adjustments ADD COLUMN request_id text UNIQUE;

-- The chain. Its numbers have no gaps, each hash covers the one before it.
CREATE TABLE money_log (
  id bigint PRIMARY KEY,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('adjustment', 'payment')),
  key text COLLATE "C" NOT NULL,          -- the adjustment's id, or the payment's entry hash, a space and its user
  body text NOT NULL,                     -- the row as JSON
  sha256 text NOT NULL,                   -- of the previous sha256 ("" for the first), a newline, and the body
  UNIQUE (kind, key)
);
CREATE TRIGGER money_log_fixed BEFORE UPDATE OR DELETE ON money_log FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE FUNCTION money_log_append(p_kind text, p_key text, p_body jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_id bigint;
  v_sha text;
BEGIN
  -- Held to the end of the transaction: the last row seen here is the last one there is.
  PERFORM pg_advisory_xact_lock(7202003);
  SELECT id, sha256 INTO v_id, v_sha FROM money_log ORDER BY id DESC LIMIT 1;
  INSERT INTO money_log (id, kind, key, body, sha256) VALUES (COALESCE(v_id, 0) + 1, p_kind, p_key, p_body::text,
    encode(sha256(convert_to(COALESCE(v_sha, '') || E'\n' || p_body::text, 'UTF8')), 'hex'));
END $$;

CREATE FUNCTION money_log_adjustment(a adjustments) RETURNS void LANGUAGE sql AS $$
  SELECT money_log_append('adjustment', a.id::text, jsonb_build_object('id', a.id::text, 'user', a.user_name, 'amount', a.amount::text,
    'reason', a.reason, 'madeBy', a.made_by, 'at', extract(epoch FROM a.at)::text));
$$;
CREATE FUNCTION money_log_payment(p payments) RETURNS void LANGUAGE sql AS $$
  SELECT money_log_append('payment', p.entry_hash || ' ' || p.user_name, jsonb_build_object('entryHash', p.entry_hash,
    'user', p.user_name, 'address', p.address, 'amount', p.amount::text, 'at', extract(epoch FROM p.at)::text));
$$;
CREATE FUNCTION money_log_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'adjustments' THEN PERFORM money_log_adjustment(NEW); ELSE PERFORM money_log_payment(NEW); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER adjustments_logged AFTER INSERT ON adjustments FOR EACH ROW EXECUTE FUNCTION money_log_row();
CREATE TRIGGER payments_logged AFTER INSERT ON payments FOR EACH ROW EXECUTE FUNCTION money_log_row();

-- Those made before there was a chain.
DO $$
DECLARE
  a adjustments;
  p payments;
BEGIN
  FOR a IN SELECT * FROM adjustments ORDER BY id LOOP PERFORM money_log_adjustment(a); END LOOP;
  FOR p IN SELECT * FROM payments ORDER BY at, entry_hash, user_name LOOP PERFORM money_log_payment(p); END LOOP;
END $$;

-- Books an adjustment {"user", "amount", "reason", "madeBy", "requestId" or null} and logs who made it. Returns {"outcome": "added" |
-- "known", "id"}, or, having changed nothing, {"outcome": "unknown-user"} or {"outcome": "conflict"}: the request id stands for another one.
CREATE FUNCTION books_adjust(p_adjustment text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  a jsonb := p_adjustment::jsonb;
  v_id bigint;
  v_same boolean;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM users WHERE name = a ->> 'user') THEN RETURN jsonb_build_object('outcome', 'unknown-user'); END IF;
  INSERT INTO adjustments (user_name, amount, reason, made_by, request_id)
    VALUES (a ->> 'user', (a ->> 'amount')::bigint, a ->> 'reason', a ->> 'madeBy', a ->> 'requestId')
    ON CONFLICT (request_id) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN
    SELECT id, (user_name, amount, reason) = (a ->> 'user', (a ->> 'amount')::bigint, a ->> 'reason') INTO v_id, v_same
      FROM adjustments WHERE request_id = a ->> 'requestId';
    RETURN CASE WHEN v_same THEN jsonb_build_object('outcome', 'known', 'id', v_id::text) ELSE jsonb_build_object('outcome', 'conflict') END;
  END IF;
  INSERT INTO admin_log (actor, action, subject, details)
    VALUES (a ->> 'madeBy', 'adjust', a ->> 'user', jsonb_build_object('id', v_id::text, 'amount', a ->> 'amount', 'reason', a ->> 'reason'));
  RETURN jsonb_build_object('outcome', 'added', 'id', v_id::text);
END $$;
