-- What a user's page and the page of a worker would sum each time, kept when shares are booked; and what is judged of each worker
-- (docs/decisions/worker-states.md). Statistics: no money depends on them, and the janitor prunes them as it does worker_minutes.

-- A user's minutes, in whole hashes; `own`: those of workers that the user has confirmed.
CREATE TABLE user_minutes (
  user_name text COLLATE "C" NOT NULL,
  minute timestamptz NOT NULL,
  shares numeric NOT NULL,
  work numeric NOT NULL,
  rejected numeric NOT NULL,
  own_shares numeric NOT NULL,
  own_rejected numeric NOT NULL,
  PRIMARY KEY (user_name, minute)
);
CREATE INDEX user_minutes_minute ON user_minutes (minute);

CREATE TABLE worker_hours (
  user_name text COLLATE "C" NOT NULL,
  worker text COLLATE "C" NOT NULL,
  hour timestamptz NOT NULL,
  shares numeric NOT NULL,
  work numeric NOT NULL,
  rejected numeric NOT NULL,
  PRIMARY KEY (user_name, worker, hour)
);
CREATE INDEX worker_hours_hour ON worker_hours (hour);

-- One row for each worker that has minutes of its own, and one for the rest of a user's. Changed with each delta: no index but its key,
-- so that a change stays in its page.
CREATE TABLE worker_status (
  user_name text COLLATE "C" NOT NULL,
  worker text COLLATE "C" NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,        -- the end of the last window with an accepted share, by the edge's clock
  last_job integer NOT NULL,
  pace double precision NOT NULL,      -- hashes per second at pace_at, older work weighted by worker_decay
  pace_at timestamptz NOT NULL,
  best numeric(20) NOT NULL,           -- the best target reached
  best_job integer NOT NULL,
  usual_rate double precision,         -- hashes per second of its usual hour of the last seven days; null: not learned yet
  usual_shares double precision,       -- shares per second of it
  learned_at timestamptz,
  state text NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'low', 'offline', 'recovered')),
  since timestamptz NOT NULL,          -- of the state
  up_since timestamptz NOT NULL,       -- when it last came back from offline, or its first share
  hidden_at timestamptz,               -- its owner does not want to see it until it works again
  PRIMARY KEY (user_name, worker)
) WITH (fillfactor = 70);

-- Each change of a worker's state.
CREATE TABLE worker_changes (
  user_name text COLLATE "C" NOT NULL,
  worker text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('ok', 'low', 'offline', 'recovered')),
  since timestamptz NOT NULL,          -- offline: since the last share
  PRIMARY KEY (user_name, worker, at)
);
CREATE INDEX worker_changes_at ON worker_changes (at);

-- When workers were judged last, and since when that has gone on without a gap while the pool mined: no silence before it is held against one.
CREATE TABLE worker_watch (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  judged_at timestamptz NOT NULL,
  since timestamptz NOT NULL
);
INSERT INTO worker_watch (judged_at, since) VALUES ('epoch', 'epoch');

-- The weight of work that is so many seconds old: a fifteen-minute mean. Beyond 50 times that, nothing is as small as a float gets.
CREATE FUNCTION worker_decay(p_seconds double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT exp(-least(greatest(p_seconds, 0), 45000) / 900);
$$;

-- Adds a batch's work to the status of its workers: rows by worker and minute, p_last their last window's end, null without an accepted share.
-- Order and repetition of the windows within it do not matter. A row from the future, of a clock that was set back since, begins anew.
CREATE FUNCTION worker_status_add(p_job integer, p_user text[], p_worker text[], p_shares numeric[], p_work numeric[], p_best numeric[], p_last timestamptz[])
RETURNS void LANGUAGE sql AS $$
  INSERT INTO worker_status AS s (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, since, up_since)
  SELECT g."user", g.worker, g.first, g.last, p_job, g.pace, g.last, g.best, p_job, g.first, g.first
  FROM (
    SELECT r."user", r.worker, min(r.at) AS first, r.last,
      sum(r.work::float8 * worker_decay(extract(epoch FROM r.last - r.at)::float8)) / 900 AS pace, max(r.best) AS best
    FROM (
      SELECT u."user" COLLATE "C" AS "user", u.worker COLLATE "C" AS worker, u.work, u.best, u.at, max(u.at) OVER (PARTITION BY u."user", u.worker) AS last
      FROM unnest(p_user, p_worker, p_shares, p_work, p_best, p_last) AS u("user", worker, shares, work, best, at) WHERE u.shares > 0) r
    GROUP BY r."user", r.worker, r.last) g
  ORDER BY g."user", g.worker
  ON CONFLICT (user_name, worker) DO UPDATE SET
    first_at = least(s.first_at, excluded.first_at),
    last_at = CASE WHEN s.last_at > now() + interval '2 minutes' THEN excluded.last_at ELSE greatest(s.last_at, excluded.last_at) END,
    last_job = greatest(s.last_job, excluded.last_job),
    pace = CASE WHEN s.pace_at > now() + interval '2 minutes' THEN excluded.pace
      ELSE s.pace * worker_decay(extract(epoch FROM excluded.pace_at - s.pace_at)::float8)
        + excluded.pace * worker_decay(extract(epoch FROM s.pace_at - excluded.pace_at)::float8) END,
    pace_at = CASE WHEN s.pace_at > now() + interval '2 minutes' THEN excluded.pace_at ELSE greatest(s.pace_at, excluded.pace_at) END,
    best = greatest(s.best, excluded.best),
    best_job = CASE WHEN excluded.best > s.best THEN excluded.best_job ELSE s.best_job END;
$$;

-- What is known already: two hours of the users' minutes, a day of the workers' hours (30 days of minutes of a large pool take longer than a
-- migration may), and each worker's last minute.
INSERT INTO user_minutes
  SELECT m.user_name, m.minute, sum(m.shares), sum(m.work), sum(m.rejected), COALESCE(sum(m.shares) FILTER (WHERE k.state = 'own'), 0),
    COALESCE(sum(m.rejected) FILTER (WHERE k.state = 'own'), 0)
  FROM worker_minutes m LEFT JOIN workers k ON k.user_name = m.user_name AND k.worker = m.worker
  WHERE m.minute > now() - interval '2 hours' GROUP BY m.user_name, m.minute;
INSERT INTO worker_hours
  SELECT user_name, worker, date_trunc('hour', minute, 'UTC'), sum(shares), sum(work), sum(rejected)
  FROM worker_minutes WHERE minute > now() - interval '1 day' GROUP BY 1, 2, 3;
INSERT INTO worker_status (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, since, up_since)
  SELECT s.user_name, s.worker, s.minute, s.minute, COALESCE((SELECT max(height) FROM jobs), 0),
    COALESCE((SELECT sum(m.work::float8 * worker_decay(extract(epoch FROM s.minute - m.minute)::float8)) / 900 FROM worker_minutes m
      WHERE m.user_name = s.user_name AND m.worker = s.worker AND m.minute > s.minute - interval '2 hours'), 0),
    s.minute, 0, 0, s.minute, s.minute
  FROM workers_seen s;

-- Applies deltas of job p_job, in order: p_bodies are their texts with U+001E between them, a character that no JSON text has (RFC 7464).
-- Each is what books_apply_delta was: archived byte for byte, by its key once, its names decided and put on record. A delta that cannot be
-- applied changes nothing and does not keep the others out. Returns an array of their outcomes. Locks in this order: the job and the one
-- that takes late work, deltas, tallies, the names' lock, workers, work, worker_minutes,
-- workers_seen, worker_hours, worker_status, user_minutes, pool_minutes; rows of one table by their keys.
CREATE OR REPLACE FUNCTION books_apply_deltas(p_job integer, p_bodies text, p_most integer, p_new integer) RETURNS text LANGUAGE plpgsql AS $$
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
  v_ends timestamptz[];
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
  m_own boolean[];     -- its owner has confirmed it
  m_best numeric[];
  m_last timestamptz[]; -- the end of the last window with an accepted share
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
      array_agg(date_trunc('minute', to_timestamp((m.d ->> 'fromMs')::numeric / 1000), 'UTC') ORDER BY m.no),
      array_agg(to_timestamp((m.d ->> 'toMs')::numeric / 1000) ORDER BY m.no)
    INTO v_slots, v_epochs, v_seqs, v_shas, v_minutes, v_ends FROM unnest(v_docs, v_bodies) WITH ORDINALITY AS m(d, body, no);
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
    SELECT array_agg(r."user"), array_agg(r.worker), array_agg(r.minute), array_agg(r.shares), array_agg(r.work), array_agg(r.rejected),
        array_agg(r.own), array_agg(r.best), array_agg(r.last)
      INTO m_user, m_worker, m_minute, m_shares, m_work, m_rejected, m_own, m_best, m_last FROM (
        SELECT r."user", r.worker, r.minute, sum(r.shares) AS shares, sum(r.work) AS work, sum(r.rejected) AS rejected,
          bool_or(r.own) AS own, max(r.best) AS best, max(r.last) AS last
        FROM (
          SELECT r."user" COLLATE "C" AS "user", CASE WHEN k.worker IS NULL OR r.folded THEN '(other rigs)' ELSE k.worker END COLLATE "C" AS worker,
            v_minutes[r.no] AS minute, sum(r.shares) AS shares, books_in_unit(sum(r.work), v_credit, 'assigned') AS work, sum(r.rejected) AS rejected,
            bool_or(k.state = 'own' AND r.folded IS NOT TRUE) AS own, max(r.best) AS best, max(v_ends[r.no]) FILTER (WHERE r.shares > 0) AS last
          FROM unnest(r_no, r_user, r_worker, r_shares, r_work, r_rejected, r_best, r_folded)
            AS r(no, "user", worker, shares, work, rejected, best, folded)
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
    INSERT INTO worker_hours AS h (user_name, worker, hour, shares, work, rejected)
      SELECT r."user", r.worker, date_trunc('hour', r.minute, 'UTC'), sum(r.shares), sum(r.work), sum(r.rejected)
      FROM unnest(m_user, m_worker, m_minute, m_shares, m_work, m_rejected) AS r("user", worker, minute, shares, work, rejected)
      GROUP BY 1, 2, 3 ORDER BY r."user" COLLATE "C", r.worker COLLATE "C", 3
      ON CONFLICT (user_name, worker, hour) DO UPDATE SET
        shares = h.shares + excluded.shares, work = h.work + excluded.work, rejected = h.rejected + excluded.rejected;
    PERFORM worker_status_add(p_job, m_user, m_worker, m_shares, m_work, m_best, m_last);
    INSERT INTO user_minutes AS m (user_name, minute, shares, work, rejected, own_shares, own_rejected)
      SELECT r."user", r.minute, sum(r.shares), sum(r.work), sum(r.rejected),
        COALESCE(sum(r.shares) FILTER (WHERE r.own), 0), COALESCE(sum(r.rejected) FILTER (WHERE r.own), 0)
      FROM unnest(m_user, m_minute, m_shares, m_work, m_rejected, m_own) AS r("user", minute, shares, work, rejected, own)
      GROUP BY 1, 2 ORDER BY r."user" COLLATE "C", 2
      ON CONFLICT (user_name, minute) DO UPDATE SET
        shares = m.shares + excluded.shares, work = m.work + excluded.work, rejected = m.rejected + excluded.rejected,
        own_shares = m.own_shares + excluded.own_shares, own_rejected = m.own_rejected + excluded.own_rejected;
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
