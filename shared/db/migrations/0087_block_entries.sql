-- What the estimate of everybody else's work is made of (docs/decisions/earnings.md). NULL: the block is not graded, or was booked before.
ALTER TABLE blocks
  ADD COLUMN graded_entries smallint,
  ADD COLUMN graded_others smallint;
