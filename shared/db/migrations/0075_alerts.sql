-- What users want to be told, and where (docs/decisions/alerts.md). The outbox is written by triggers in the transaction of the change itself; they
-- run with the owner's rights, so that the roles (also those of the release before) need none on it.

CREATE TABLE alert_destinations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_name text COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
  kind text NOT NULL,                        -- of its channel (shared/alerts/kinds.ts)
  target text NOT NULL,                      -- an address of e-mail, a URL, a chat
  secret text NOT NULL DEFAULT '',           -- what a message is signed or sent by
  events text[] NOT NULL,                    -- what is told here
  every_minutes integer NOT NULL DEFAULT 60, -- at most one message of a kind about one worker in so long
  quiet_from integer,                        -- minutes of the day in `zone`; null: no quiet hours
  quiet_until integer,
  zone text NOT NULL DEFAULT 'UTC',
  made_at timestamptz NOT NULL DEFAULT now(),
  code text,                                 -- not confirmed yet: what the message with the code says
  code_until timestamptz,
  code_tries integer NOT NULL DEFAULT 0,
  paused_at timestamptz,                     -- failed for so long that nothing is kept for it
  failures integer NOT NULL DEFAULT 0,       -- in a row
  failing_since timestamptz,
  wait_until timestamptz NOT NULL DEFAULT 'epoch',
  claimed_until timestamptz NOT NULL DEFAULT 'epoch', -- somebody is sending
  tried_at timestamptz,                      -- the last try
  result text NOT NULL DEFAULT ''            -- of it: why it failed; empty: delivered
);
CREATE INDEX alert_destinations_user ON alert_destinations (user_name);

-- The outbox, and when what was told last: one row for each thing that can be told, so that it is bounded by what there is. A later event of the
-- same kind about the same subject changes its row; there is something to tell while due_at is set.
CREATE TABLE alerts (
  destination bigint NOT NULL REFERENCES alert_destinations ON DELETE CASCADE,
  kind text NOT NULL,
  subject text COLLATE "C" NOT NULL,  -- the worker; empty where it is about the user
  version integer NOT NULL DEFAULT 1, -- grows with each event
  at timestamptz NOT NULL,            -- of the last event
  since timestamptz,                  -- offline: the last share
  details text NOT NULL DEFAULT '',   -- of the last event
  events integer NOT NULL,            -- since the last message
  amount numeric NOT NULL DEFAULT 0,  -- of them together
  due_at timestamptz,
  taken integer,                      -- the version that is being sent
  told_at timestamptz,                -- the last message
  PRIMARY KEY (destination, kind, subject)
) WITH (fillfactor = 70);
CREATE INDEX alerts_due ON alerts (due_at) WHERE due_at IS NOT NULL;

-- Tests and codes that users asked for, of the last day: so many and no more.
CREATE TABLE alert_tries (
  user_name text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  target text NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX alert_tries_user ON alert_tries (user_name, kind);
CREATE INDEX alert_tries_target ON alert_tries (target, kind);

-- Puts events, one to each place of the arrays, into the outbox of every destination that wants them. A kind that can come again and again waits
-- until the last message of its kind about the same subject is old enough.
CREATE FUNCTION alert_add(p_user text[], p_kind text[], p_subject text[], p_at timestamptz[], p_since timestamptz[], p_details text[], p_amount numeric[])
RETURNS void LANGUAGE sql AS $$
  INSERT INTO alerts AS a (destination, kind, subject, at, since, details, events, amount, due_at)
  SELECT d.id, e.kind, e.subject COLLATE "C", max(e.at), max(e.since), (array_agg(e.details ORDER BY e.no DESC))[1], count(*), sum(e.amount),
    greatest(max(e.at), d.wait_until)
  FROM unnest(p_user, p_kind, p_subject, p_at, p_since, p_details, p_amount) WITH ORDINALITY AS e("user", kind, subject, at, since, details, amount, no)
  JOIN alert_destinations d ON d.user_name = e."user" COLLATE "C" AND e.kind = ANY (d.events) AND d.code IS NULL AND d.paused_at IS NULL
  GROUP BY d.id, e.kind, e.subject ORDER BY d.id, e.kind, e.subject COLLATE "C"
  ON CONFLICT (destination, kind, subject) DO UPDATE SET version = a.version + 1, at = excluded.at, since = excluded.since, details = excluded.details,
    events = CASE WHEN a.due_at IS NULL THEN 0 ELSE a.events END + excluded.events,
    amount = CASE WHEN a.due_at IS NULL THEN 0 ELSE a.amount END + excluded.amount,
    -- A message from the future is of a clock that was set back since.
    due_at = greatest(excluded.due_at, CASE WHEN a.kind IN ('low', 'offline', 'recovered', 'refused', 'block') AND a.told_at <= excluded.at + interval '1 day'
      THEN a.told_at + (SELECT d.every_minutes * interval '1 minute' FROM alert_destinations d WHERE d.id = a.destination) END);
$$;

-- A worker's new state takes the place of what was to be told of the one before. A failure here is one of the janitor's judging, which tries again.
CREATE FUNCTION alert_workers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM alert_destinations) THEN RETURN NULL; END IF;
  PERFORM 1 FROM alerts a WHERE (a.destination, a.subject) IN (
      SELECT d.id, c.worker FROM changed c JOIN alert_destinations d ON d.user_name = c.user_name)
    AND a.kind IN ('low', 'offline', 'recovered') ORDER BY a.destination, a.kind, a.subject FOR NO KEY UPDATE;
  UPDATE alerts a SET due_at = NULL FROM changed c JOIN alert_destinations d ON d.user_name = c.user_name
    WHERE a.destination = d.id AND a.subject = c.worker AND a.kind IN ('low', 'offline', 'recovered') AND a.kind <> c.state AND c.state <> 'ok'
      AND a.due_at IS NOT NULL;
  PERFORM alert_add(array_agg(c.user_name), array_agg(c.state), array_agg(c.worker), array_agg(c.at), array_agg(c.since), array_agg(''::text),
    array_agg(0::numeric)) FROM changed c WHERE c.state <> 'ok';
  RETURN NULL;
END $$;
CREATE TRIGGER worker_changes_alert AFTER INSERT ON worker_changes REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION alert_workers();
