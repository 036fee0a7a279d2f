-- Which names of rigs have rows of their own (docs/decisions/worker-names.md). An empty password mines for a name, so whoever likes can make
-- up worker names: their work is paid to the user always, but only names that stand here get rows; all others share the row "(other rigs)",
-- a name with a space, which no miner can have.

CREATE TABLE workers (
  user_name text COLLATE "C" NOT NULL REFERENCES users (name),
  worker text COLLATE "C" NOT NULL,
  -- own: confirmed by the owner or by a login with the password; new: let in as one of a day's few; waiting: counted with the others
  state text NOT NULL CHECK (state IN ('own', 'new', 'waiting')),
  since timestamptz NOT NULL DEFAULT now(), -- let in, or, of one that waits, last heard of
  PRIMARY KEY (user_name, worker)
);
CREATE INDEX workers_since ON workers (user_name, state, since);

-- Rigs that worked before there was this rule are their owners': the 4,096 with the most work in the last 4,320 blocks.
INSERT INTO workers (user_name, worker, state)
  SELECT user_name, worker, 'own' FROM (
    SELECT user_name, worker, row_number() OVER (PARTITION BY user_name ORDER BY sum(work) DESC, worker) AS place
    FROM work WHERE shares > 0 AND job > (SELECT COALESCE(max(height), 0) FROM jobs) - 4320 GROUP BY user_name, worker) w
  WHERE place <= 4096;

-- Decided in the transaction that books a delta, since it depends on what came before: the places (from 0) of those of its rows that are
-- booked under "(other rigs)". Null: booked before there was this rule, every row under its own name, one of refused shares alone too.
ALTER TABLE deltas ADD COLUMN folded integer[];
-- With it: the places of rows of refused shares alone whose worker had no sums in that job: they are booked nowhere.
ALTER TABLE deltas ADD COLUMN dropped integer[];

-- One name that is counted with the others, so that its owner can confirm it: the 64 heard of last are kept.
CREATE FUNCTION workers_wait(p_user text, p_worker text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO workers AS k (user_name, worker, state) VALUES (p_user, p_worker, 'waiting')
    ON CONFLICT (user_name, worker) DO UPDATE SET since = now() WHERE k.state = 'waiting';
  DELETE FROM workers WHERE user_name = p_user AND state = 'waiting' AND worker IN (
    SELECT w.worker FROM workers w WHERE w.user_name = p_user AND w.state = 'waiting' ORDER BY w.since DESC, w.worker OFFSET 64);
END $$;

-- Lets a name in as one of the day's few. The names let in so are a quarter of the limit at most: beyond, the oldest is forgotten.
CREATE FUNCTION workers_let_in(p_user text, p_worker text, p_most integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO workers AS k (user_name, worker, state) VALUES (p_user, p_worker, 'new')
    ON CONFLICT (user_name, worker) DO UPDATE SET state = 'new', since = now() WHERE k.state = 'waiting';
  DELETE FROM workers WHERE user_name = p_user AND state = 'new' AND worker IN (
    SELECT w.worker FROM workers w WHERE w.user_name = p_user AND w.state = 'new' ORDER BY w.since DESC, w.worker
    OFFSET greatest(p_most / 4, 1));
END $$;

-- The owner's word that these rigs are its own: all of p_workers (a JSON array), or none where the user then had more than four times p_most.
CREATE FUNCTION workers_confirm(p_user text, p_workers text, p_most integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7202056);
  IF (SELECT count(*) FROM (SELECT worker FROM workers WHERE user_name = p_user AND state = 'own'
      UNION SELECT jsonb_array_elements_text(p_workers::jsonb)) own) > 4 * p_most THEN RETURN false; END IF;
  INSERT INTO workers AS k (user_name, worker, state)
    SELECT DISTINCT p_user, e.worker, 'own' FROM jsonb_array_elements_text(p_workers::jsonb) e(worker)
    ON CONFLICT (user_name, worker) DO UPDATE SET state = 'own', since = now() WHERE k.state <> 'own';
  RETURN true;
END $$;

-- The places of a delta's rows that are booked under "(other rigs)" of job p_into: those of names that do not stand, and of such as the
-- job has no place for. p_most: names of a user in one job; p_new: names a user gets in 24 hours without having confirmed
-- them; never more than are kept, or those that are forgotten would make room for others.
CREATE FUNCTION books_fold(p_into integer, p_rows jsonb, p_most integer, p_new integer) RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE
  v_folded integer[] := '{}';
  v_user text;
  v_room integer;
  v_left integer;
  v_waiting integer;
  r record;
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM jsonb_to_recordset(p_rows) AS m("user" text COLLATE "C", worker text COLLATE "C", shares numeric)
    WHERE m.shares > 0 AND m.worker <> '(other rigs)'
      AND NOT EXISTS (SELECT 1 FROM work w WHERE w.job = p_into AND w.user_name = m."user" AND w.worker = m.worker))
  THEN RETURN v_folded; END IF;
  -- One delta with new names at a time: what is counted here cannot change until it is booked. Taken after the job and the delta, before
  -- any row of workers, work or worker_minutes.
  PERFORM pg_advisory_xact_lock(7202056);
  FOR r IN
    SELECT m."user", m.worker, m.places, k.state FROM (
      SELECT e.row ->> 'user' COLLATE "C" AS "user", e.row ->> 'worker' COLLATE "C" AS worker, array_agg((e.place - 1)::integer ORDER BY e.place) AS places
      FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS e(row, place) WHERE (e.row ->> 'shares')::numeric > 0 GROUP BY 1, 2) m
    LEFT JOIN workers k ON k.user_name = m."user" AND k.worker = m.worker
    WHERE m.worker <> '(other rigs)'
      AND NOT EXISTS (SELECT 1 FROM work w WHERE w.job = p_into AND w.user_name = m."user" AND w.worker = m.worker)
    ORDER BY m."user", CASE k.state WHEN 'own' THEN 0 WHEN 'new' THEN 1 ELSE 2 END, m.worker
  LOOP
    IF r."user" IS DISTINCT FROM v_user THEN
      v_user := r."user";
      v_waiting := 0;
      SELECT p_most - count(*) INTO v_room FROM work WHERE job = p_into AND user_name = v_user AND worker <> '(other rigs)';
      SELECT least(p_new, greatest(p_most / 4, 1)) - count(*) INTO v_left FROM workers
        WHERE user_name = v_user AND state = 'new' AND since > now() - interval '24 hours';
    END IF;
    IF v_room > 0 AND r.state IN ('own', 'new') THEN
      v_room := v_room - 1;
    ELSIF v_room > 0 AND v_left > 0 THEN
      PERFORM workers_let_in(v_user, r.worker, p_most);
      v_room := v_room - 1;
      v_left := v_left - 1;
    ELSE
      v_folded := v_folded || r.places;
      IF v_waiting < 64 AND r.state IS DISTINCT FROM 'own' AND r.state IS DISTINCT FROM 'new' THEN
        PERFORM workers_wait(v_user, r.worker);
        v_waiting := v_waiting + 1;
      END IF;
    END IF;
  END LOOP;
  RETURN ARRAY(SELECT unnest(v_folded) ORDER BY 1);
END $$;

-- The places of rows of refused shares alone whose worker has no sums in job p_into.
CREATE FUNCTION books_drop(p_into integer, p_rows jsonb) RETURNS integer[] LANGUAGE sql AS $$
  SELECT ARRAY(SELECT (e.place - 1)::integer FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS e(row, place)
    WHERE (e.row ->> 'shares')::numeric = 0 AND NOT EXISTS (
      SELECT 1 FROM work w WHERE w.job = p_into AND w.user_name = e.row ->> 'user' AND w.worker = e.row ->> 'worker')
    ORDER BY 1);
$$;

-- Adds a delta's rows to the sums of job p_into, those that are folded under "(other rigs)", those that are dropped not. Work of another
-- job is late: it counts, but is not a best of this job.
DROP FUNCTION books_credit(integer, integer, jsonb);
CREATE FUNCTION books_credit(p_into integer, p_job integer, p_rows jsonb, p_folded integer[], p_dropped integer[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO work AS w (job, user_name, worker, shares, work, best, rejected, late_shares)
  SELECT p_into, r."user", r.worker, sum(r.shares),
    books_in_unit(sum(r.work), (SELECT credit FROM jobs WHERE height = p_job), (SELECT credit FROM jobs WHERE height = p_into)),
    CASE WHEN p_into = p_job THEN max(r.best) ELSE 0 END, sum(r.rejected),
    CASE WHEN p_into = p_job THEN 0 ELSE sum(r.shares) END
  FROM (
    SELECT e.row ->> 'user' COLLATE "C" AS "user",
      CASE WHEN e.place - 1 = ANY (p_folded) THEN '(other rigs)' ELSE e.row ->> 'worker' END COLLATE "C" AS worker,
      (e.row ->> 'shares')::numeric AS shares, (e.row ->> 'work')::numeric AS work, (e.row ->> 'best')::numeric AS best,
      (e.row ->> 'rejected')::numeric AS rejected
    FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS e(row, place) WHERE e.place - 1 <> ALL (p_dropped)) r
  GROUP BY r."user", r.worker
  ORDER BY r."user", r.worker
  ON CONFLICT (job, user_name, worker) DO UPDATE SET
    shares = w.shares + excluded.shares, work = w.work + excluded.work, best = greatest(w.best, excluded.best),
    rejected = w.rejected + excluded.rejected, late_shares = w.late_shares + excluded.late_shares;
$$;

-- As in 0002_books.sql, with the names decided and put on record. The delta's row comes first, so that a duplicate changes nothing at all.
DROP FUNCTION books_apply_delta(text);
CREATE FUNCTION books_apply_delta(p_body text, p_most integer DEFAULT 4096, p_new integer DEFAULT 16) RETURNS text LANGUAGE plpgsql AS $$
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
  v_folded integer[];
  v_dropped integer[];
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
  INSERT INTO deltas (job, slot, epoch, seq, sha256, body) VALUES (v_job, v_slot, v_epoch, v_seq, v_sha, p_body) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    SELECT sha256 INTO v_stored FROM deltas WHERE job = v_job AND slot = v_slot AND epoch = v_epoch AND seq = v_seq;
    RETURN jsonb_build_object('outcome', CASE WHEN v_stored = v_sha THEN 'dup' ELSE 'conflict' END);
  END IF;
  IF v_into IS NOT NULL THEN
    v_folded := books_fold(v_into, d -> 'rows', p_most, p_new);
    v_dropped := books_drop(v_into, d -> 'rows');
    UPDATE deltas SET into_job = v_into, folded = v_folded, dropped = v_dropped WHERE job = v_job AND slot = v_slot AND epoch = v_epoch AND seq = v_seq;
    PERFORM books_credit(v_into, v_job, d -> 'rows', v_folded, v_dropped);
  END IF;
  -- A minute's row is a name's own only where the name stands; one of refused shares alone is the user's.
  INSERT INTO worker_minutes AS m (user_name, worker, minute, shares, work, rejected)
    SELECT r."user", r.worker, date_trunc('minute', to_timestamp((d ->> 'fromMs')::numeric / 1000), 'UTC'),
      sum(r.shares), books_in_unit(sum(r.work), v_credit, 'assigned'), sum(r.rejected)
    FROM (
      SELECT e.row ->> 'user' COLLATE "C" AS "user",
        CASE WHEN k.worker IS NULL OR COALESCE(e.place - 1 = ANY (v_folded), false) THEN '(other rigs)' ELSE k.worker END COLLATE "C" AS worker,
        (e.row ->> 'shares')::numeric AS shares, (e.row ->> 'work')::numeric AS work, (e.row ->> 'rejected')::numeric AS rejected
      FROM jsonb_array_elements(d -> 'rows') WITH ORDINALITY AS e(row, place)
      LEFT JOIN workers k ON k.user_name = e.row ->> 'user' AND k.worker = e.row ->> 'worker' AND k.state <> 'waiting') r
    GROUP BY r."user", r.worker ORDER BY r."user", r.worker
    ON CONFLICT (user_name, worker, minute) DO UPDATE SET
      shares = m.shares + excluded.shares, work = m.work + excluded.work, rejected = m.rejected + excluded.rejected;
  RETURN jsonb_build_object('outcome', 'applied', 'intoJob', v_into, 'beyondMarker',
    EXISTS (SELECT 1 FROM close_markers WHERE job = v_job AND slot = v_slot AND epoch = v_epoch AND last_seq < v_seq));
END $$;

-- Gives the first parked delta to the oldest open job. Returns whether there was one to give and a job to take it.
DROP FUNCTION books_unpark();
CREATE FUNCTION books_unpark(p_most integer DEFAULT 4096, p_new integer DEFAULT 16) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_into integer;
  v_folded integer[];
  v_dropped integer[];
  d record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM deltas WHERE into_job IS NULL) THEN RETURN false; END IF;
  SELECT height INTO v_into FROM jobs WHERE state = 'open' ORDER BY height LIMIT 1 FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT job, slot, epoch, seq, body INTO d FROM deltas WHERE into_job IS NULL
    ORDER BY job, slot, epoch, seq LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN false; END IF;
  v_folded := books_fold(v_into, d.body::jsonb -> 'rows', p_most, p_new);
  v_dropped := books_drop(v_into, d.body::jsonb -> 'rows');
  UPDATE deltas SET into_job = v_into, folded = v_folded, dropped = v_dropped WHERE job = d.job AND slot = d.slot AND epoch = d.epoch AND seq = d.seq;
  PERFORM books_credit(v_into, d.job, d.body::jsonb -> 'rows', v_folded, v_dropped);
  RETURN true;
END $$;
