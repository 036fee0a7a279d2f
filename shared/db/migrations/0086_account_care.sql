-- A changed payout address is paid nothing for a day, and the former one can be taken back meanwhile (docs/decisions/payout-address.md). A trigger
-- writes it, so that it holds whoever changes the address, code of the release before too.
CREATE TABLE address_holds (
  user_name text COLLATE "C" PRIMARY KEY REFERENCES users (name) ON DELETE CASCADE,
  former text NOT NULL,             -- where the money went before
  code text NOT NULL UNIQUE,        -- told with the alert: who has it may take the former address back
  changed_at timestamptz NOT NULL,
  held_until timestamptz NOT NULL
);

CREATE FUNCTION hold_address() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- Where one change follows another, it is the address before the first of them that can be taken back.
  INSERT INTO address_holds AS h (user_name, former, code, changed_at, held_until)
    VALUES (NEW.name, OLD.payout_address, replace(gen_random_uuid()::text, '-', ''), now(), now() + interval '24 hours')
  ON CONFLICT (user_name) DO UPDATE SET former = CASE WHEN h.held_until > now() THEN h.former ELSE excluded.former END, code = excluded.code,
    changed_at = excluded.changed_at, held_until = excluded.held_until;
  DELETE FROM address_holds h WHERE h.user_name = NEW.name AND h.former = NEW.payout_address;
  RETURN NULL;
END $$;
-- Before users_alert, by its name: the alert tells until when, and the code.
CREATE TRIGGER users_address_hold AFTER UPDATE OF payout_address ON users FOR EACH ROW
  WHEN (OLD.payout_address IS NOT NULL AND OLD.payout_address IS DISTINCT FROM NEW.payout_address) EXECUTE FUNCTION hold_address();

CREATE OR REPLACE FUNCTION alert_address() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_hold text := (SELECT format(' %s %s', floor(extract(epoch FROM h.held_until)), h.code) FROM address_holds h
    WHERE h.user_name = NEW.name AND h.held_until > now());
BEGIN
  PERFORM alert_add(ARRAY[NEW.name], ARRAY['address'::text], ARRAY[''::text], ARRAY[now()], ARRAY[NULL::timestamptz],
    ARRAY[coalesce(NEW.payout_address, '') || coalesce(v_hold, '')], ARRAY[0::numeric]);
  RETURN NULL;
END $$;

-- A user who has left: neither logs in nor mines. The name stays with the books (docs/decisions/account-deletion.md).
ALTER TABLE users ADD COLUMN deleted_at timestamptz;

-- Codes sent by e-mail to set a new password by: one a user, the newest.
CREATE TABLE password_resets (
  user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  code_hash text NOT NULL UNIQUE,
  expires_at timestamptz NOT NULL
);
