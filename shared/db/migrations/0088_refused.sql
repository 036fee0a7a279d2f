-- Why shares of a worker were refused, by the hour; the janitor keeps a week of it. Statistics that edges add twice a minute, with names of workers
-- that have a row of their own: all others are counted with their user's rest (docs/decisions/worker-names.md).
CREATE TABLE worker_refused (
  user_name text COLLATE "C" NOT NULL,
  worker text COLLATE "C" NOT NULL,
  hour timestamptz NOT NULL,
  reason text COLLATE "C" NOT NULL,
  shares bigint NOT NULL,
  PRIMARY KEY (user_name, worker, hour, reason)
);
CREATE INDEX worker_refused_hour ON worker_refused (hour);
