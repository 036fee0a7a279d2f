-- The books: applying summaries exactly once, sealing jobs, and what may never change (DESIGN.md, Guarantees, Journal, Sealing).
-- Each function is one call: over the Data API one request, its own transaction, safe to repeat when the answer was lost.
-- Lock order everywhere: jobs, deltas, work by (user, worker), worker_minutes by (user, worker, minute).

CREATE INDEX jobs_unsealed ON jobs (height) WHERE state <> 'sealed';
CREATE INDEX deltas_parked ON deltas (job, slot, epoch, seq) WHERE into_job IS NULL;
CREATE INDEX edge_epochs_last ON edge_epochs (last_job);

-- A block that paid us though the pool had no job at its height (down, or restored from a backup): its reward goes, without a
-- fee (the rate stands in the job that is missing), into the carry of the next job that is sealed.
CREATE TABLE jobless_rewards (
  height integer PRIMARY KEY REFERENCES blocks,
  reward bigint NOT NULL CHECK (reward > 0),
  into_job integer NOT NULL REFERENCES jobs,
  CHECK (into_job > height)
);
CREATE INDEX jobless_rewards_into ON jobless_rewards (into_job);

-- Applying --------------------------------------------------------------------

-- Work in another credit unit: `achieved` counts 2^-48 hashes, `assigned` whole ones. Work that is there never becomes nothing.
CREATE FUNCTION books_in_unit(p_work numeric, p_from text, p_to text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_from = p_to THEN p_work
    WHEN p_from = 'assigned' THEN p_work * 281474976710656
    ELSE greatest(floor(p_work / 281474976710656), least(p_work, 1)) END;
$$;

-- Adds a delta's rows to the sums of job p_into. Work of another job is late: it counts, but is not a best of this job.
CREATE FUNCTION books_credit(p_into integer, p_job integer, p_rows jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO work AS w (job, user_name, worker, shares, work, best, rejected, late_shares)
  SELECT p_into, r."user", r.worker, sum(r.shares),
    books_in_unit(sum(r.work), (SELECT credit FROM jobs WHERE height = p_job), (SELECT credit FROM jobs WHERE height = p_into)),
    CASE WHEN p_into = p_job THEN max(r.best) ELSE 0 END, sum(r.rejected),
    CASE WHEN p_into = p_job THEN 0 ELSE sum(r.shares) END
  FROM jsonb_to_recordset(p_rows) AS r("user" text, worker text, shares numeric, work numeric, best numeric, rejected numeric)
  GROUP BY r."user", r.worker
  ORDER BY r."user" COLLATE "C", r.worker COLLATE "C"
  ON CONFLICT (job, user_name, worker) DO UPDATE SET
    shares = w.shares + excluded.shares, work = w.work + excluded.work, best = greatest(w.best, excluded.best),
    rejected = w.rejected + excluded.rejected, late_shares = w.late_shares + excluded.late_shares;
$$;

-- Applies one delta. Returns {"outcome": "applied", "intoJob": n or null, "beyondMarker": bool}, {"outcome": "dup"}, or, having
-- changed nothing, {"outcome": "conflict" | "unknown-job"} or {"outcome": "unknown-user", "user": name}.
CREATE FUNCTION books_apply_delta(p_body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  d jsonb := p_body::jsonb;
  v_job integer := (d ->> 'job')::numeric;
  v_slot smallint := (d ->> 'slot')::numeric;
  v_epoch bigint := (d ->> 'epoch')::numeric;
  v_seq integer := (d ->> 'seq')::numeric;
  v_sha text := encode(sha256(convert_to(p_body, 'UTF8')), 'hex');
  v_state text;
  v_credit text;
  v_into integer;
  v_stored text;
  v_stranger text;
BEGIN
  -- The share lock keeps the sealer from freezing the sums under us; it is taken before anything is written.
  SELECT state, credit INTO v_state, v_credit FROM jobs WHERE height = v_job FOR SHARE;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'unknown-job'); END IF;
  SELECT r."user" INTO v_stranger FROM jsonb_to_recordset(d -> 'rows') AS r("user" text)
    WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.name = r."user") ORDER BY r."user" LIMIT 1;
  IF FOUND THEN RETURN jsonb_build_object('outcome', 'unknown-user', 'user', v_stranger); END IF;
  IF v_state = 'open' THEN
    v_into := v_job;
  ELSE
    -- Late. A job that closes while we wait for it is passed over; with none open the work stays parked (books_unpark).
    SELECT height INTO v_into FROM jobs WHERE state = 'open' AND height > v_job ORDER BY height LIMIT 1 FOR SHARE;
  END IF;
  INSERT INTO deltas (job, slot, epoch, seq, sha256, body, into_job)
    VALUES (v_job, v_slot, v_epoch, v_seq, v_sha, p_body, v_into) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    SELECT sha256 INTO v_stored FROM deltas WHERE job = v_job AND slot = v_slot AND epoch = v_epoch AND seq = v_seq;
    RETURN jsonb_build_object('outcome', CASE WHEN v_stored = v_sha THEN 'dup' ELSE 'conflict' END);
  END IF;
  IF v_into IS NOT NULL THEN PERFORM books_credit(v_into, v_job, d -> 'rows'); END IF;
  INSERT INTO worker_minutes AS m (user_name, worker, minute, shares, work, rejected)
    SELECT r."user", r.worker, date_trunc('minute', to_timestamp((d ->> 'fromMs')::numeric / 1000), 'UTC'),
      sum(r.shares), books_in_unit(sum(r.work), v_credit, 'assigned'), sum(r.rejected)
    FROM jsonb_to_recordset(d -> 'rows') AS r("user" text, worker text, shares numeric, work numeric, rejected numeric)
    GROUP BY r."user", r.worker ORDER BY r."user" COLLATE "C", r.worker COLLATE "C"
    ON CONFLICT (user_name, worker, minute) DO UPDATE SET
      shares = m.shares + excluded.shares, work = m.work + excluded.work, rejected = m.rejected + excluded.rejected;
  RETURN jsonb_build_object('outcome', 'applied', 'intoJob', v_into, 'beyondMarker',
    EXISTS (SELECT 1 FROM close_markers WHERE job = v_job AND slot = v_slot AND epoch = v_epoch AND last_seq < v_seq));
END $$;

-- Stores a close marker. Returns "applied", "dup", or "conflict" when another last seq stands.
CREATE FUNCTION books_apply_close(p_job integer, p_slot integer, p_epoch bigint, p_last_seq integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_stored integer;
BEGIN
  INSERT INTO close_markers (job, slot, epoch, last_seq) VALUES (p_job, p_slot, p_epoch, p_last_seq) ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN 'applied'; END IF;
  SELECT last_seq INTO v_stored FROM close_markers WHERE job = p_job AND slot = p_slot AND epoch = p_epoch;
  RETURN CASE WHEN v_stored = p_last_seq THEN 'dup' ELSE 'conflict' END;
END $$;

-- Gives the first parked delta to the oldest open job. Returns whether there was one to give and a job to take it.
CREATE FUNCTION books_unpark() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_into integer;
  d record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM deltas WHERE into_job IS NULL) THEN RETURN false; END IF;
  SELECT height INTO v_into FROM jobs WHERE state = 'open' ORDER BY height LIMIT 1 FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT job, slot, epoch, seq, body INTO d FROM deltas WHERE into_job IS NULL
    ORDER BY job, slot, epoch, seq LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE deltas SET into_job = v_into WHERE job = d.job AND slot = d.slot AND epoch = d.epoch AND seq = d.seq;
  PERFORM books_credit(v_into, d.job, d.body::jsonb -> 'rows');
  RETURN true;
END $$;

-- Sealing ---------------------------------------------------------------------

-- The frozen inputs of a closing job, as the seal must find them again.
CREATE FUNCTION books_frozen(p_height integer) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object(
    'state', j.state, 'forced', COALESCE(j.forced, false), 'split', j.split, 'rate', (j.fee_rate * 100000000)::bigint::text,
    'reward', b.reward::text, 'winning', b.winning,
    'carriedIn', (COALESCE((SELECT p.carried FROM jobs p WHERE p.state = 'sealed' AND p.height < p_height ORDER BY p.height DESC LIMIT 1), 0)
      + COALESCE((SELECT sum(r.reward) FROM jobless_rewards r WHERE r.into_job = p_height), 0))::text,
    'leaves', s.leaves, 'users', s.users, 'shares', s.shares::text, 'work', s.work::text)
  FROM jobs j JOIN blocks b ON b.height = j.height, LATERAL (
    SELECT count(*) AS leaves, count(DISTINCT w.user_name) AS users, COALESCE(sum(w.shares), 0) AS shares, COALESCE(sum(w.work), 0) AS work
    FROM work w WHERE w.job = j.height) s
  WHERE j.height = p_height;
$$;

-- Freezes a job: from here on its sums stand and what comes for it is late. Repeating it changes nothing. Returns books_frozen,
-- or null when the job may not be closed: no reward yet, or a lower job is not sealed.
CREATE FUNCTION books_close(p_height integer, p_forced boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_state text;
BEGIN
  -- Against the trigger on new jobs: no job may appear below one that is closed.
  PERFORM pg_advisory_xact_lock(7202001);
  IF EXISTS (SELECT 1 FROM jobs WHERE height < p_height AND state <> 'sealed')
    OR NOT EXISTS (SELECT 1 FROM blocks WHERE height = p_height) THEN RETURN NULL; END IF;
  SELECT state INTO v_state FROM jobs WHERE height = p_height FOR NO KEY UPDATE;
  IF v_state = 'open' THEN
    -- The books begin with the first job: what was won before it is not ours to book.
    INSERT INTO jobless_rewards (height, reward, into_job)
      SELECT b.height, b.reward, p_height FROM blocks b
      WHERE b.height < p_height AND b.height > (SELECT min(height) FROM jobs) AND b.reward > 0
        AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.height = b.height)
      ON CONFLICT DO NOTHING;
    UPDATE jobs SET state = 'closing', forced = p_forced WHERE height = p_height;
  END IF;
  RETURN books_frozen(p_height);
END $$;

-- Writes some drafts of an attempt. Returns false when the job is not closing (another attempt was faster).
CREATE FUNCTION books_draft(p_height integer, p_attempt text, p_rows text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM jobs WHERE height = p_height AND state = 'closing' FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO payouts (job, attempt, user_name, shares, work, amount)
    SELECT p_height, p_attempt, r."user", r.shares, r.work, r.amount
    FROM jsonb_to_recordset(p_rows::jsonb) AS r("user" text, shares numeric, work numeric, amount numeric)
    ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

-- Flips a closing job to sealed if the attempt's drafts and the seal agree with the frozen inputs to the last unit; an
-- attempt that does not is a bug and raises. Returns "sealed", "already" or, when nothing was closed, "open".
CREATE FUNCTION books_seal(p_height integer, p_attempt text, p_seal text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  s jsonb := p_seal::jsonb;
  f jsonb;
  d record;
  v_state text;
  v_reward numeric;
  v_carried_in numeric;
  v_fee numeric := (s ->> 'fee')::numeric;
  v_paid numeric := (s ->> 'paid')::numeric;
  v_carried numeric := (s ->> 'carried')::numeric;
BEGIN
  SELECT state INTO v_state FROM jobs WHERE height = p_height FOR NO KEY UPDATE;
  IF v_state = 'sealed' THEN RETURN 'already'; END IF;
  IF v_state IS DISTINCT FROM 'closing' THEN RETURN 'open'; END IF;
  f := books_frozen(p_height);
  v_reward := (f ->> 'reward')::numeric;
  v_carried_in := (f ->> 'carriedIn')::numeric;
  SELECT count(*) AS users, COALESCE(sum(shares), 0) AS shares, COALESCE(sum(work), 0) AS work, COALESCE(sum(amount), 0) AS amount
    INTO d FROM payouts WHERE job = p_height AND attempt = p_attempt;
  IF (s ->> 'leaves')::bigint <> (f ->> 'leaves')::bigint OR d.users <> (f ->> 'users')::bigint
    OR d.shares <> (f ->> 'shares')::numeric OR d.work <> (f ->> 'work')::numeric
    OR d.amount <> v_paid OR v_fee <> floor(v_reward * (f ->> 'rate')::numeric / 100000000) OR v_carried < 0
    OR v_fee + v_paid + v_carried <> v_reward + v_carried_in
    OR (v_carried > 0 AND d.work > 0 AND f ->> 'split' <> 'reference')
    OR EXISTS (
      SELECT 1 FROM (SELECT user_name, sum(shares) AS shares, sum(work) AS work FROM work WHERE job = p_height GROUP BY user_name) w
      FULL JOIN (SELECT user_name, shares, work FROM payouts WHERE job = p_height AND attempt = p_attempt) p USING (user_name)
      WHERE w.shares IS DISTINCT FROM p.shares OR w.work IS DISTINCT FROM p.work)
  THEN
    RAISE EXCEPTION 'seal of job %: attempt % does not agree with the frozen books: frozen %, drafts %, seal %',
      p_height, p_attempt, f, to_jsonb(d), s USING ERRCODE = 'BK002';
  END IF;
  DELETE FROM payouts WHERE job = p_height AND attempt <> p_attempt;
  UPDATE jobs SET state = 'sealed', attempt = p_attempt, sealed_at = to_timestamp((s ->> 'atMs')::numeric / 1000),
    winning = (f ->> 'winning')::integer, shares = (f ->> 'shares')::numeric, work = (f ->> 'work')::numeric,
    reward = v_reward, carried_in = v_carried_in, fee = v_fee, paid = v_paid, carried = v_carried, root = s ->> 'root'
    WHERE height = p_height;
  RETURN 'sealed';
END $$;

-- What may never change ---------------------------------------------------------

CREATE FUNCTION books_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the books are append-only: % of % is refused; correct money by an adjustment', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'BK001';
END $$;

CREATE TRIGGER blocks_fixed BEFORE UPDATE OR DELETE ON blocks FOR EACH ROW EXECUTE FUNCTION books_refuse();
CREATE TRIGGER close_markers_fixed BEFORE UPDATE OR DELETE ON close_markers FOR EACH ROW EXECUTE FUNCTION books_refuse();
CREATE TRIGGER jobless_rewards_fixed BEFORE UPDATE OR DELETE ON jobless_rewards FOR EACH ROW EXECUTE FUNCTION books_refuse();
CREATE TRIGGER adjustments_fixed BEFORE UPDATE OR DELETE ON adjustments FOR EACH ROW EXECUTE FUNCTION books_refuse();
CREATE TRIGGER payments_fixed BEFORE UPDATE OR DELETE ON payments FOR EACH ROW EXECUTE FUNCTION books_refuse();
CREATE TRIGGER payouts_fixed BEFORE UPDATE ON payouts FOR EACH ROW EXECUTE FUNCTION books_refuse();
CREATE TRIGGER deltas_kept BEFORE DELETE ON deltas FOR EACH ROW EXECUTE FUNCTION books_refuse();
CREATE TRIGGER deltas_fixed BEFORE UPDATE ON deltas FOR EACH ROW
  WHEN (OLD.into_job IS NOT NULL OR (NEW.job, NEW.slot, NEW.epoch, NEW.seq, NEW.sha256, NEW.body, NEW.applied_at)
    IS DISTINCT FROM (OLD.job, OLD.slot, OLD.epoch, OLD.seq, OLD.sha256, OLD.body, OLD.applied_at))
  EXECUTE FUNCTION books_refuse();
CREATE TRIGGER jobs_kept BEFORE DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION books_refuse();
CREATE TRIGGER jobs_fixed BEFORE UPDATE ON jobs FOR EACH ROW
  WHEN (OLD.state = 'sealed' OR (OLD.state = 'closing' AND NEW.state = 'open') OR (OLD.state = 'open' AND NEW.state = 'sealed')
    OR (NEW.height, NEW.version, NEW.opr_hash, NEW.opr, NEW.prices, NEW.prices_id, NEW.threshold, NEW.fee_rate, NEW.split, NEW.credit, NEW.created_at)
    IS DISTINCT FROM (OLD.height, OLD.version, OLD.opr_hash, OLD.opr, OLD.prices, OLD.prices_id, OLD.threshold, OLD.fee_rate, OLD.split, OLD.credit, OLD.created_at))
  EXECUTE FUNCTION books_refuse();

-- Rows of a job's sums and drafts may change only while the job is in the state that allows it.
CREATE FUNCTION books_only_in_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_job integer := CASE TG_OP WHEN 'DELETE' THEN OLD.job ELSE NEW.job END;
BEGIN
  IF (TG_OP = 'UPDATE' AND OLD.job <> NEW.job) OR NOT EXISTS (SELECT 1 FROM jobs WHERE height = v_job AND state = TG_ARGV[0]) THEN
    RAISE EXCEPTION 'job % is not %: % of % is refused', v_job, TG_ARGV[0], TG_OP, TG_TABLE_NAME USING ERRCODE = 'BK001';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER work_open BEFORE INSERT OR UPDATE OR DELETE ON work FOR EACH ROW EXECUTE FUNCTION books_only_in_state('open');
CREATE TRIGGER payouts_closing BEFORE INSERT OR DELETE ON payouts FOR EACH ROW EXECUTE FUNCTION books_only_in_state('closing');

-- A job cannot appear at or below a height whose books are closed: rewards are booked in height order.
CREATE FUNCTION books_new_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7202001);
  IF NEW.state <> 'open' THEN RAISE EXCEPTION 'job % must begin open', NEW.height USING ERRCODE = 'BK001'; END IF;
  -- An existing row is left to the statement's own conflict clause.
  IF NOT EXISTS (SELECT 1 FROM jobs WHERE height = NEW.height)
    AND EXISTS (SELECT 1 FROM jobs WHERE height > NEW.height AND state <> 'open') THEN
    RAISE EXCEPTION 'job % is too late: the books are closed up to %', NEW.height,
      (SELECT max(height) FROM jobs WHERE state <> 'open') USING ERRCODE = 'BK001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER jobs_in_order BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION books_new_job();

-- Money -------------------------------------------------------------------------

-- owed = booked + adjusted - paid out. One row a user; a condition on user_name reads only that user's rows.
CREATE VIEW balances AS
SELECT user_name, payout_address, booked, adjusted, paid_out, booked + adjusted - paid_out AS owed
FROM (
  SELECT u.name AS user_name, u.payout_address,
    COALESCE((SELECT sum(p.amount) FROM payouts p JOIN jobs j ON j.height = p.job AND j.attempt = p.attempt AND j.state = 'sealed'
      WHERE p.user_name = u.name), 0) AS booked,
    COALESCE((SELECT sum(a.amount) FROM adjustments a WHERE a.user_name = u.name), 0) AS adjusted,
    COALESCE((SELECT sum(y.amount) FROM payments y WHERE y.user_name = u.name), 0) AS paid_out
  FROM users u) b;

-- Books a receipt: [{"entryHash", "user", "address", "amount"}]. An entry already booked with the same lines is left out; all
-- others are booked, or none. Returns {"outcome": "recorded", "booked": n, "known": n}, or what stands against it:
-- {"outcome": "conflict", "entryHash"}, {"outcome": "unknown-user", "user"}, {"outcome": "exceeds", "user", "owed", "amount"}.
CREATE FUNCTION books_record(p_receipt text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_lines jsonb := p_receipt::jsonb;
  v_known integer;
  v_booked integer;
  v_entry text;
  v_bad record;
BEGIN
  -- One receipt at a time: what is owed must not be paid from twice.
  PERFORM pg_advisory_xact_lock(7202002);
  WITH r AS (SELECT * FROM jsonb_to_recordset(v_lines) AS r("entryHash" text, "user" text, address text, amount bigint)),
    known AS (SELECT entry_hash AS "entryHash", user_name AS "user", address, amount FROM payments
      WHERE entry_hash IN (SELECT "entryHash" FROM r)),
    again AS (SELECT * FROM r WHERE "entryHash" IN (SELECT "entryHash" FROM known))
  SELECT min("entryHash"), (SELECT count(DISTINCT "entryHash") FROM known) INTO v_entry, v_known
    FROM ((SELECT * FROM again EXCEPT SELECT * FROM known) UNION ALL (SELECT * FROM known EXCEPT SELECT * FROM again)) differing;
  IF v_entry IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'conflict', 'entryHash', v_entry); END IF;
  SELECT jsonb_agg(e) INTO v_lines FROM jsonb_array_elements(v_lines) e
    WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.entry_hash = e ->> 'entryHash');
  v_lines := COALESCE(v_lines, '[]');
  SELECT r."user", b.owed, sum(r.amount) AS amount INTO v_bad
    FROM jsonb_to_recordset(v_lines) AS r("user" text COLLATE "C", amount bigint)
    LEFT JOIN balances b ON b.user_name = r."user"
    GROUP BY r."user", b.owed HAVING b.owed IS NULL OR sum(r.amount) > b.owed ORDER BY r."user" LIMIT 1;
  IF FOUND AND v_bad.owed IS NULL THEN RETURN jsonb_build_object('outcome', 'unknown-user', 'user', v_bad."user"); END IF;
  IF FOUND THEN
    RETURN jsonb_build_object('outcome', 'exceeds', 'user', v_bad."user", 'owed', v_bad.owed::text, 'amount', v_bad.amount::text);
  END IF;
  INSERT INTO payments (entry_hash, user_name, address, amount)
    SELECT r."entryHash", r."user", r.address, r.amount
    FROM jsonb_to_recordset(v_lines) AS r("entryHash" text, "user" text, address text, amount bigint)
    ORDER BY r."entryHash", r."user" COLLATE "C";
  SELECT count(DISTINCT e ->> 'entryHash') INTO v_booked FROM jsonb_array_elements(v_lines) e;
  RETURN jsonb_build_object('outcome', 'recorded', 'booked', v_booked, 'known', v_known);
END $$;
