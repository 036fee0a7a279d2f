-- The pool's records. Money is bigint in 1e-8 PEG, work is numeric(40) hashes, targets are numeric(20) (unsigned 64 bits), hashes are lower-case hex.
-- User and worker names collate "C": their byte order decides ties and the order of locks and Merkle leaves, on every server alike.

-- Accounts ------------------------------------------------------------------

CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[\x21-\x2b\x2d-\x7e]{1,254}$'),
  password text,                          -- argon2id in PHC form; null: mining only
  payout_address text,                    -- FA…; null: nothing can be paid out yet
  is_admin boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE invites (
  code text PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  claimed_by bigint REFERENCES users,
  claimed_at timestamptz,
  CHECK ((claimed_by IS NULL) = (claimed_at IS NULL))
);

CREATE TABLE sessions (
  token_hash text PRIMARY KEY,            -- sha256 of the cookie's token
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);

-- Chain ---------------------------------------------------------------------

-- One graded block. Written once, by the holder of the chain lease; a different second value is an alarm, never an update.
CREATE TABLE blocks (
  height integer PRIMARY KEY,
  version smallint NOT NULL,
  key_mr text NOT NULL,
  at timestamptz NOT NULL,                -- the directory block's own time
  entries integer NOT NULL,               -- in the OPR chain at this height
  graded boolean NOT NULL,
  winners jsonb NOT NULL,                 -- short hashes that the next height's records must name
  prices jsonb,                           -- the winning record's assets {"EUR": "108000000"}; null when not graded
  min_target numeric(20),                 -- projected minimum at the cutoff place; null without OPRs
  ema numeric(20),                        -- over min_target; carried when there is none
  network_hashrate double precision,      -- hashes per second, estimated
  winning integer NOT NULL,               -- places that are ours
  reward bigint NOT NULL CHECK (reward >= 0)
);

CREATE TABLE block_places (
  height integer NOT NULL REFERENCES blocks,
  position smallint NOT NULL,             -- 1 = best grade
  entry_hash text NOT NULL,
  difficulty numeric(20) NOT NULL,
  payout bigint NOT NULL,
  identity text NOT NULL,
  ours boolean NOT NULL,
  PRIMARY KEY (height, position)
);

CREATE TABLE prices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  version smallint NOT NULL,
  prices jsonb NOT NULL,                  -- {"EUR": "108000000"} in 1e-8 USD
  quotes jsonb NOT NULL                   -- every quote, used or not, and why
);
CREATE INDEX prices_at ON prices (at DESC);

-- Jobs ----------------------------------------------------------------------

-- The one record to mine at a height. Everything that decides money is fixed here before the first share.
CREATE TABLE jobs (
  height integer PRIMARY KEY,
  version smallint NOT NULL,
  opr_hash text NOT NULL,
  opr bytea NOT NULL,
  prices jsonb NOT NULL,
  prices_id bigint REFERENCES prices,
  threshold numeric(20) NOT NULL,         -- EMA a share must beat to be submitted; 0: the best few alone decide
  fee_rate numeric(9, 8) NOT NULL CHECK (fee_rate >= 0 AND fee_rate < 1),
  split text NOT NULL CHECK (split IN ('largest-remainder', 'reference')),
  credit text NOT NULL CHECK (credit IN ('assigned', 'achieved')),
  created_at timestamptz NOT NULL DEFAULT now(),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closing', 'sealed')),
  closed_seen_at timestamptz,             -- when the sealer first saw a later job
  -- set by the seal
  sealed_at timestamptz,
  forced boolean,                         -- sealed by the deadline, with a close marker missing
  winning integer,
  shares bigint,
  work numeric(40),
  reward bigint,
  carried_in bigint,
  fee bigint,
  paid bigint,
  carried bigint,
  root text,                              -- of the Merkle-sum tree over the sealed sums
  CHECK (state <> 'sealed' OR fee + paid + carried = reward + carried_in)
);

-- The best difficulties submitted for a job, by any edge (the softmax list).
CREATE TABLE best_targets (
  height integer NOT NULL REFERENCES jobs,
  target numeric(20) NOT NULL,
  entry_hash text NOT NULL,
  PRIMARY KEY (height, entry_hash)
);

-- Every share that met the submission rule, and what became of it.
CREATE TABLE submissions (
  entry_hash text PRIMARY KEY,
  height integer NOT NULL,
  opr_hash text NOT NULL,
  nonce text NOT NULL,
  target numeric(20) NOT NULL,
  user_name text COLLATE "C" NOT NULL,
  worker text COLLATE "C" NOT NULL,
  edge smallint NOT NULL,
  state text NOT NULL CHECK (state IN ('blocked', 'pending', 'committed', 'revealed', 'abandoned')),
  reason text,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX submissions_height ON submissions (height);

-- Edges ---------------------------------------------------------------------

-- Named leases (`chain`): the epoch rises with every new holder and fences the old one.
CREATE TABLE leases (
  name text PRIMARY KEY,
  holder text NOT NULL,
  epoch bigint NOT NULL,
  expires_at timestamptz NOT NULL
);

-- The first 12 bits of every nonce prefix: a slot belongs to one edge at a time.
CREATE TABLE edge_slots (
  slot smallint PRIMARY KEY CHECK (slot BETWEEN 0 AND 4095),
  edge_id text NOT NULL UNIQUE,
  epoch bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  covered_job integer                     -- the last job it took shares for
);

-- Each period in which an edge held a slot; a job waits for the close markers of those that could have worked on it.
CREATE TABLE edge_epochs (
  slot smallint NOT NULL,
  epoch bigint NOT NULL,
  edge_id text NOT NULL,
  began_at timestamptz NOT NULL DEFAULT now(),
  first_job integer,                      -- the newest job when the lease began
  last_job integer,                       -- set when it ended: no share of a later job can come from it
  PRIMARY KEY (slot, epoch)
);

-- Work ----------------------------------------------------------------------

-- Every delta applied, with its body: the books can be recomputed from these.
CREATE TABLE deltas (
  job integer NOT NULL,
  slot smallint NOT NULL,
  epoch bigint NOT NULL,
  seq integer NOT NULL,
  sha256 text NOT NULL,
  body text NOT NULL CHECK (octet_length(body) <= 49152),
  into_job integer,                       -- differs from job for late work; null: waits for an open job
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (job, slot, epoch, seq)
);

-- "This edge epoch sends nothing more for this job; its last delta is last_seq" (-1: none).
CREATE TABLE close_markers (
  job integer NOT NULL,
  slot smallint NOT NULL,
  epoch bigint NOT NULL,
  last_seq integer NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (job, slot, epoch)
);

CREATE TABLE work (
  job integer NOT NULL REFERENCES jobs,
  user_name text COLLATE "C" NOT NULL REFERENCES users (name),
  worker text COLLATE "C" NOT NULL,
  shares bigint NOT NULL,
  work numeric(40) NOT NULL,
  best numeric(20) NOT NULL,
  rejected bigint NOT NULL DEFAULT 0,
  late_shares bigint NOT NULL DEFAULT 0,  -- of `shares`: mined for an earlier, sealed job
  PRIMARY KEY (job, user_name, worker)
);
CREATE INDEX work_user ON work (user_name, job);

-- Per worker and minute, for hashrate charts; statistics only, never money.
CREATE TABLE worker_minutes (
  user_name text COLLATE "C" NOT NULL,
  worker text COLLATE "C" NOT NULL,
  minute timestamptz NOT NULL,
  shares bigint NOT NULL,
  work numeric(40) NOT NULL,              -- always in whole hashes
  rejected bigint NOT NULL,
  PRIMARY KEY (user_name, worker, minute)
);
CREATE INDEX worker_minutes_minute ON worker_minutes (minute);

-- Money ---------------------------------------------------------------------

-- Shares of a sealed job's reward; `attempt` names the sealing run that wrote them, only the sealed one counts.
CREATE TABLE payouts (
  job integer NOT NULL REFERENCES jobs,
  attempt text NOT NULL,
  user_name text COLLATE "C" NOT NULL REFERENCES users (name),
  shares bigint NOT NULL,
  work numeric(40) NOT NULL,
  amount bigint NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (job, attempt, user_name)
);
CREATE INDEX payouts_user ON payouts (user_name, job);
ALTER TABLE jobs ADD COLUMN attempt text; -- the one whose payouts stand

CREATE TABLE adjustments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_name text COLLATE "C" NOT NULL REFERENCES users (name),
  amount bigint NOT NULL CHECK (amount <> 0),
  reason text NOT NULL CHECK (reason <> ''),
  made_by text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

-- What was sent to the chain, once per entry and user.
CREATE TABLE payments (
  entry_hash text NOT NULL,
  user_name text COLLATE "C" NOT NULL REFERENCES users (name),
  address text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (entry_hash, user_name)
);
