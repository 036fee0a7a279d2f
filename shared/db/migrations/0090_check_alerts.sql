-- What the pool's doctor finds, told to administrators, and to a service outside (docs/decisions/operator-alerts.md).

-- Each of the doctor's checks as it was judged last: one bad look is not red yet (infra/doctor/check-states.ts).
CREATE TABLE check_states (
  name text COLLATE "C" PRIMARY KEY,
  is_red boolean NOT NULL,
  urgent boolean NOT NULL,     -- about money or the chain: told in quiet hours too
  since timestamptz NOT NULL,  -- it is so
  said text NOT NULL,
  mend text NOT NULL,
  looked_at timestamptz NOT NULL
);

-- The last call of the address that notices when the pool falls silent: at most one row.
CREATE TABLE heartbeat (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  at timestamptz NOT NULL,
  was_well boolean NOT NULL,   -- what was told: all is well, or not
  result text NOT NULL         -- why it failed; empty: it was taken
);

ALTER TABLE alert_destinations ADD COLUMN quiet_urgent boolean NOT NULL DEFAULT false; -- quiet hours hold urgent checks too
