-- Ages are reckoned by one clock, the database's; `at` stays the poller's civil time, for people.
ALTER TABLE prices ADD COLUMN made_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE prices SET made_at = at;

-- How long a job has been looked after: summed look by look, each of a bounded length, so that no jump of a clock can make a deadline pass.
ALTER TABLE jobs ADD COLUMN looked_at timestamptz;                 -- the last look of a sealer, by the database's clock
ALTER TABLE jobs ADD COLUMN watched_ms bigint NOT NULL DEFAULT 0;  -- since a sealer first saw it
ALTER TABLE jobs ADD COLUMN closed_ms bigint NOT NULL DEFAULT 0;   -- of these, since it was seen closed
