-- What the pool's own miner saw from outside (infra/canary/), a row for each look; those of more than eight days go.
CREATE TABLE canary (
  at timestamptz PRIMARY KEY,
  failed_at text,              -- the step; null: all that was to be done worked
  words text NOT NULL,
  height integer,              -- of the job
  connect_ms double precision, -- null where it was not come to
  login_ms double precision,
  job_ms double precision,
  answer_ms double precision,
  row_ms double precision
);
