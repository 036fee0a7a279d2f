-- long: index deltas_late
CREATE INDEX CONCURRENTLY IF NOT EXISTS deltas_late ON deltas (into_job, job, slot, epoch, seq)
  -- The few that are booked into another block than the one they were mined for: the archive looks for them by the block that they are in.
  WHERE into_job <> job;
