-- Deltas of one job are applied many at a time, each row of the sums touched once (docs/decisions/books.md, "Batches").

-- The guard of sums, a statement at a time: every job that the statement's rows belonged or belong to must be in the state that allows it.
-- An upsert of 12 rows asked 24 times before.
CREATE FUNCTION books_only_while() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_job integer;
BEGIN
  SELECT c.job INTO v_job FROM (SELECT DISTINCT r.job FROM changed r) c
    WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.height = c.job AND j.state = TG_ARGV[0]) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'job % is not %: % of % is refused', v_job, TG_ARGV[0], TG_OP, TG_TABLE_NAME USING ERRCODE = 'BK001';
  END IF;
  RETURN NULL;
END $$;
DROP TRIGGER work_open ON work;
CREATE TRIGGER work_added AFTER INSERT ON work REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('open');
CREATE TRIGGER work_changed AFTER UPDATE ON work REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('open');
CREATE TRIGGER work_removed AFTER DELETE ON work REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('open');
-- So a changed row's job is the one that it had. Costs nothing where the statement does not set it.
CREATE TRIGGER work_stays BEFORE UPDATE OF job ON work FOR EACH ROW WHEN (NEW.job <> OLD.job) EXECUTE FUNCTION books_refuse();

-- books_apply_deltas adds the tallies itself, since it has the rows at hand, and says so. Whatever else inserts deltas leaves it to the
-- trigger of 0057_withholding.sql, now one for a statement: a call of the older books_apply_delta that waits while this is deployed
-- goes on with the older body.
DROP TRIGGER deltas_tallied ON deltas;
CREATE OR REPLACE FUNCTION tallies_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tallies AS t (job, user_name, judged, sent)
    SELECT a.job, r."user", sum(r.judged), sum(COALESCE(r.sent, 0))
    FROM added a, jsonb_to_recordset(a.body::jsonb -> 'rows') AS r("user" text COLLATE "C", judged numeric, sent numeric)
    WHERE r.judged > 0 GROUP BY a.job, r."user" ORDER BY a.job, r."user"
    ON CONFLICT (job, user_name) DO UPDATE SET judged = t.judged + excluded.judged, sent = t.sent + excluded.sent;
  RETURN NULL;
END $$;
CREATE TRIGGER deltas_tallied AFTER INSERT ON deltas REFERENCING NEW TABLE AS added FOR EACH STATEMENT
  WHEN (current_setting('books.tallies', true) IS DISTINCT FROM 'added') EXECUTE FUNCTION tallies_add();

-- What the pages would sum each time, kept when it is written. The pool's minutes, in whole hashes, and the last minute in which a worker had
-- an accepted share, for those that have minutes of their own.
CREATE TABLE pool_minutes (
  minute timestamptz PRIMARY KEY,
  shares numeric NOT NULL,
  work numeric NOT NULL,
  rejected numeric NOT NULL
);
INSERT INTO pool_minutes SELECT minute, sum(shares), sum(work), sum(rejected) FROM worker_minutes GROUP BY minute;
CREATE TABLE workers_seen (
  user_name text COLLATE "C" NOT NULL,
  worker text COLLATE "C" NOT NULL,
  minute timestamptz NOT NULL,
  PRIMARY KEY (user_name, worker)
);
CREATE INDEX workers_seen_minute ON workers_seen (minute, user_name);
INSERT INTO workers_seen SELECT user_name, worker, max(minute) FROM worker_minutes
  WHERE minute > now() - interval '1 day' AND shares > 0 GROUP BY user_name, worker;

-- Applies deltas of job p_job, in order: p_bodies are their texts with U+001E between them, a character that no JSON text has (RFC 7464).
-- Each is what books_apply_delta was: archived byte for byte, by its key once, its names decided and put on record. A delta that cannot be
-- applied changes nothing and does not keep the others out. Returns an array of their outcomes. Locks in this order: the job and the one
-- that takes late work, deltas, tallies, the names' lock, workers, work, worker_minutes,
-- workers_seen, pool_minutes; rows of one table by their keys.
CREATE FUNCTION books_apply_deltas(p_job integer, p_bodies text, p_most integer, p_new integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_state text;
  v_credit text;
  v_into integer;
  v_into_credit text;
  -- The deltas, by their place in the batch from 1.
  v_bodies text[];
  v_docs jsonb[];
  v_slots smallint[];
  v_epochs bigint[];
  v_seqs integer[];
  v_shas text[];
  v_strangers text[];  -- the first user without an account, null where all have one
  v_minutes timestamptz[];
  v_fresh boolean[];   -- inserted here, not a duplicate
  -- The keys of those that were inserted.
  a_slots smallint[];
  a_epochs bigint[];
  a_seqs integer[];
  -- Their rows: the delta's place, and the place in it from 0.
  r_no integer[];
  r_place integer[];
  r_user text[];
  r_worker text[];
  r_shares numeric[];
  r_work numeric[];
  r_best numeric[];
  r_rejected numeric[];
  r_judged numeric[];
  r_sent numeric[];
  r_folded boolean[];
  r_dropped boolean[];
  -- Sums by worker and minute.
  m_user text[];
  m_worker text[];
  m_minute timestamptz[];
  m_shares numeric[];
  m_work numeric[];
  m_rejected numeric[];
  v_rows jsonb;
  v_plain boolean;
  v_folded integer[];
  v_dropped integer[];
  v_unknown text[];
BEGIN
  SELECT array_agg(b.body ORDER BY b.no) INTO v_bodies FROM string_to_table(p_bodies, E'\x1e') WITH ORDINALITY AS b(body, no);
  -- The share lock keeps the sealer from freezing the sums under us; it is taken before anything is written.
  SELECT state, credit INTO v_state, v_credit FROM jobs WHERE height = p_job FOR SHARE;
  IF NOT FOUND THEN
    RETURN (SELECT jsonb_agg(jsonb_build_object('outcome', 'unknown-job')) FROM unnest(v_bodies));
  END IF;
  v_docs := v_bodies::jsonb[];
  SELECT array_agg((m.d ->> 'slot')::numeric::smallint ORDER BY m.no), array_agg((m.d ->> 'epoch')::numeric::bigint ORDER BY m.no),
      array_agg((m.d ->> 'seq')::numeric::integer ORDER BY m.no), array_agg(encode(sha256(convert_to(m.body, 'UTF8')), 'hex') ORDER BY m.no),
      array_agg(date_trunc('minute', to_timestamp((m.d ->> 'fromMs')::numeric / 1000), 'UTC') ORDER BY m.no)
    INTO v_slots, v_epochs, v_seqs, v_shas, v_minutes FROM unnest(v_docs, v_bodies) WITH ORDINALITY AS m(d, body, no);
  IF EXISTS (SELECT 1 FROM unnest(v_docs) AS m(d) WHERE (m.d ->> 'job')::numeric IS DISTINCT FROM p_job) THEN
    RAISE EXCEPTION 'a batch of job % has a delta of another job', p_job;
  END IF;
  SELECT array_agg(m.no), array_agg(r.place - 1), array_agg(r."user"), array_agg(r.worker), array_agg(r.shares), array_agg(r.work), array_agg(r.best),
      array_agg(r.rejected), array_agg(r.judged), array_agg(r.sent)
    INTO r_no, r_place, r_user, r_worker, r_shares, r_work, r_best, r_rejected, r_judged, r_sent
    FROM unnest(v_docs) WITH ORDINALITY AS m(d, no), ROWS FROM (jsonb_to_recordset(m.d -> 'rows') AS ("user" text, worker text,
      shares numeric, work numeric, best numeric, rejected numeric, judged numeric, sent numeric)) WITH ORDINALITY
      AS r("user", worker, shares, work, best, rejected, judged, sent, place);
  SELECT array_agg(s.name) INTO v_unknown FROM (SELECT DISTINCT u.name FROM unnest(r_user) AS u(name)) s
    WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.name = s.name);
  IF v_unknown IS NOT NULL THEN
    SELECT array_agg((SELECT min(r."user" COLLATE "C") FROM unnest(r_no, r_user) AS r(no, "user") WHERE r.no = m.no AND r."user" = ANY (v_unknown))
      ORDER BY m.no) INTO v_strangers FROM generate_subscripts(v_docs, 1) AS m(no);
  END IF;
  IF v_state = 'open' THEN
    v_into := p_job;
    v_into_credit := v_credit;
  ELSE
    -- Late. A job that closes while we wait for it is passed over; with none open the work stays parked (books_unpark).
    SELECT height, credit INTO v_into, v_into_credit FROM jobs WHERE state = 'open' AND height > p_job ORDER BY height LIMIT 1 FOR SHARE;
  END IF;
  -- Every worker has sums in the job already: no name is to be decided, so the deltas can be inserted as they stay.
  v_plain := v_into IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM (SELECT DISTINCT r."user", r.worker FROM unnest(r_user, r_worker, r_shares) AS r("user", worker, shares)
      WHERE r.shares = 0 OR r.worker <> '(other rigs)') n
    WHERE NOT EXISTS (SELECT 1 FROM work w WHERE w.job = v_into AND w.user_name = n."user" AND w.worker = n.worker));
  PERFORM set_config('books.tallies', 'added', true);
  -- The first of those with one key counts, in order of the keys: two batches with the same deltas wait for each other at the first.
  WITH given AS (
    SELECT DISTINCT ON (m.slot, m.epoch, m.seq) m.* FROM unnest(v_slots, v_epochs, v_seqs, v_shas, v_bodies, v_strangers)
      WITH ORDINALITY AS m(slot, epoch, seq, sha, body, stranger, no)
    WHERE m.stranger IS NULL ORDER BY m.slot, m.epoch, m.seq, m.no
  ), added AS (
    INSERT INTO deltas (job, slot, epoch, seq, sha256, body, into_job, folded, dropped)
      SELECT p_job, g.slot, g.epoch, g.seq, g.sha, g.body, CASE WHEN v_plain THEN v_into END, CASE WHEN v_plain THEN '{}'::integer[] END,
        CASE WHEN v_plain THEN '{}'::integer[] END
      FROM given g ORDER BY g.slot, g.epoch, g.seq ON CONFLICT DO NOTHING RETURNING slot, epoch, seq
  )
  SELECT array_agg(a.slot), array_agg(a.epoch), array_agg(a.seq) INTO a_slots, a_epochs, a_seqs FROM added a;
  PERFORM set_config('books.tallies', '', true);
  IF cardinality(a_seqs) = cardinality(v_docs) THEN
    v_fresh := array_fill(true, ARRAY[cardinality(v_docs)]);
  ELSE
    SELECT array_agg(a.seq IS NOT NULL ORDER BY m.no) INTO v_fresh FROM (
      SELECT m.no, m.slot, m.epoch, m.seq, m.stranger IS NULL
        AND row_number() OVER (PARTITION BY m.slot, m.epoch, m.seq, m.stranger IS NULL ORDER BY m.no) = 1 AS is_first
      FROM unnest(v_slots, v_epochs, v_seqs, v_strangers) WITH ORDINALITY AS m(slot, epoch, seq, stranger, no)) m
      LEFT JOIN unnest(a_slots, a_epochs, a_seqs) AS a(slot, epoch, seq)
        ON m.is_first AND a.slot = m.slot AND a.epoch = m.epoch AND a.seq = m.seq;
    -- Only their rows count from here on.
    SELECT array_agg(r.no), array_agg(r.place), array_agg(r."user"), array_agg(r.worker), array_agg(r.shares), array_agg(r.work), array_agg(r.best),
        array_agg(r.rejected), array_agg(r.judged), array_agg(r.sent)
      INTO r_no, r_place, r_user, r_worker, r_shares, r_work, r_best, r_rejected, r_judged, r_sent
      FROM unnest(r_no, r_place, r_user, r_worker, r_shares, r_work, r_best, r_rejected, r_judged, r_sent)
        AS r(no, place, "user", worker, shares, work, best, rejected, judged, sent) WHERE v_fresh[r.no];
  END IF;
  IF true = ANY (v_fresh) THEN
    INSERT INTO tallies AS t (job, user_name, judged, sent)
      SELECT p_job, r."user", sum(r.judged), sum(COALESCE(r.sent, 0))
      FROM (SELECT r."user" COLLATE "C" AS "user", r.judged, r.sent FROM unnest(r_no, r_user, r_judged, r_sent) AS r(no, "user", judged, sent)
        WHERE r.judged > 0) r
      GROUP BY r."user" ORDER BY r."user"
      ON CONFLICT (job, user_name) DO UPDATE SET judged = t.judged + excluded.judged, sent = t.sent + excluded.sent;
    IF v_into IS NOT NULL AND NOT v_plain THEN
      -- The names of the whole batch are decided at once, as if it were one delta; then every delta gets its own record of it.
      SELECT jsonb_agg(jsonb_build_object('user', r."user", 'worker', r.worker, 'shares', r.shares) ORDER BY r.at) INTO v_rows
        FROM unnest(r_user, r_worker, r_shares) WITH ORDINALITY AS r("user", worker, shares, at);
      v_folded := books_fold(v_into, v_rows, p_most, p_new);
      v_dropped := books_drop(v_into, v_rows);
      SELECT array_agg(r.at - 1 = ANY (v_folded) ORDER BY r.at), array_agg(r.at - 1 = ANY (v_dropped) ORDER BY r.at)
        INTO r_folded, r_dropped FROM generate_subscripts(r_no, 1) AS r(at);
      UPDATE deltas d SET into_job = v_into, folded = COALESCE(n.folded, '{}'), dropped = COALESCE(n.dropped, '{}')
        FROM (SELECT r.no, array_agg(r.place ORDER BY r.place) FILTER (WHERE r.folded) AS folded, array_agg(r.place ORDER BY r.place) FILTER (WHERE r.dropped) AS dropped
          FROM unnest(r_no, r_place, r_folded, r_dropped) AS r(no, place, folded, dropped) GROUP BY r.no) n
        WHERE d.job = p_job AND d.slot = v_slots[n.no] AND d.epoch = v_epochs[n.no] AND d.seq = v_seqs[n.no];
    END IF;
    IF v_into IS NOT NULL THEN
      -- Work of another job is late: it counts, but is not a best of this job. Its unit is changed delta by delta, as the replay does it.
      INSERT INTO work AS w (job, user_name, worker, shares, work, best, rejected, late_shares)
        SELECT v_into, r."user", r.worker, sum(r.shares), sum(r.work), CASE WHEN v_into = p_job THEN max(r.best) ELSE 0 END, sum(r.rejected),
          CASE WHEN v_into = p_job THEN 0 ELSE sum(r.shares) END
        FROM (
          SELECT r."user" COLLATE "C" AS "user", CASE WHEN r.folded THEN '(other rigs)' ELSE r.worker END COLLATE "C" AS worker,
            sum(r.shares) AS shares, books_in_unit(sum(r.work), v_credit, v_into_credit) AS work, max(r.best) AS best, sum(r.rejected) AS rejected
          FROM unnest(r_no, r_user, r_worker, r_shares, r_work, r_best, r_rejected, r_folded, r_dropped)
            AS r(no, "user", worker, shares, work, best, rejected, folded, dropped)
          WHERE r.dropped IS NOT TRUE
          GROUP BY CASE WHEN v_credit <> v_into_credit THEN r.no END, 1, 2) r
        GROUP BY r."user", r.worker ORDER BY r."user", r.worker
        ON CONFLICT (job, user_name, worker) DO UPDATE SET
          shares = w.shares + excluded.shares, work = w.work + excluded.work, best = greatest(w.best, excluded.best),
          rejected = w.rejected + excluded.rejected, late_shares = w.late_shares + excluded.late_shares;
    END IF;
    -- A minute's row is a name's own only where the name stands; one of refused shares alone is the user's.
    SELECT array_agg(r."user"), array_agg(r.worker), array_agg(r.minute), array_agg(r.shares), array_agg(r.work), array_agg(r.rejected)
      INTO m_user, m_worker, m_minute, m_shares, m_work, m_rejected FROM (
        SELECT r."user", r.worker, r.minute, sum(r.shares) AS shares, sum(r.work) AS work, sum(r.rejected) AS rejected
        FROM (
          SELECT r."user" COLLATE "C" AS "user", CASE WHEN k.worker IS NULL OR r.folded THEN '(other rigs)' ELSE k.worker END COLLATE "C" AS worker,
            v_minutes[r.no] AS minute, sum(r.shares) AS shares, books_in_unit(sum(r.work), v_credit, 'assigned') AS work, sum(r.rejected) AS rejected
          FROM unnest(r_no, r_user, r_worker, r_shares, r_work, r_rejected, r_folded) AS r(no, "user", worker, shares, work, rejected, folded)
          LEFT JOIN workers k ON k.user_name = r."user" AND k.worker = r.worker AND k.state <> 'waiting'
          GROUP BY CASE WHEN v_credit <> 'assigned' THEN r.no END, 1, 2, 3) r
        GROUP BY r."user", r.worker, r.minute ORDER BY r."user", r.worker, r.minute) r;
    INSERT INTO worker_minutes AS m (user_name, worker, minute, shares, work, rejected)
      SELECT * FROM unnest(m_user, m_worker, m_minute, m_shares, m_work, m_rejected)
      ON CONFLICT (user_name, worker, minute) DO UPDATE SET
        shares = m.shares + excluded.shares, work = m.work + excluded.work, rejected = m.rejected + excluded.rejected;
    -- Most are seen in this minute already. One seen in the future, by a clock that was set back since, is seen anew.
    INSERT INTO workers_seen AS s (user_name, worker, minute)
      SELECT r."user", r.worker, max(r.minute) FROM unnest(m_user, m_worker, m_minute, m_shares) AS r("user", worker, minute, shares)
      WHERE r.shares > 0 AND NOT EXISTS (SELECT 1 FROM workers_seen k WHERE k.user_name = r."user" AND k.worker = r.worker
        AND k.minute >= r.minute AND k.minute <= now())
      GROUP BY r."user", r.worker ORDER BY r."user" COLLATE "C", r.worker COLLATE "C"
      ON CONFLICT (user_name, worker) DO UPDATE SET minute = excluded.minute WHERE s.minute < excluded.minute OR s.minute > now();
    INSERT INTO pool_minutes AS m (minute, shares, work, rejected)
      SELECT r.minute, sum(r.shares), sum(r.work), sum(r.rejected)
      FROM unnest(m_minute, m_shares, m_work, m_rejected) AS r(minute, shares, work, rejected) GROUP BY r.minute ORDER BY r.minute
      ON CONFLICT (minute) DO UPDATE SET shares = m.shares + excluded.shares, work = m.work + excluded.work, rejected = m.rejected + excluded.rejected;
  END IF;
  RETURN (
    SELECT jsonb_agg(CASE
      WHEN v_fresh[m.no] THEN jsonb_build_object('outcome', 'applied', 'intoJob', v_into, 'beyondMarker', EXISTS (
        SELECT 1 FROM close_markers c WHERE c.job = p_job AND c.slot = m.slot AND c.epoch = m.epoch AND c.last_seq < m.seq))
      WHEN m.stranger IS NOT NULL THEN jsonb_build_object('outcome', 'unknown-user', 'user', m.stranger)
      WHEN EXISTS (SELECT 1 FROM deltas d WHERE d.job = p_job AND d.slot = m.slot AND d.epoch = m.epoch AND d.seq = m.seq AND d.sha256 = m.sha)
        THEN jsonb_build_object('outcome', 'dup')
      ELSE jsonb_build_object('outcome', 'conflict') END ORDER BY m.no)
    FROM unnest(v_slots, v_epochs, v_seqs, v_shas, v_strangers) WITH ORDINALITY AS m(slot, epoch, seq, sha, stranger, no));
END $$;

-- One delta: a batch of its own.
DROP FUNCTION books_apply_delta(text, integer, integer);
CREATE FUNCTION books_apply_delta(p_body text, p_most integer DEFAULT 4096, p_new integer DEFAULT 16) RETURNS text LANGUAGE sql AS $$
  SELECT (books_apply_deltas((p_body::jsonb ->> 'job')::numeric::integer, p_body, p_most, p_new)::jsonb -> 0)::text;
$$;
