-- Payouts as they go: what is to be paid is on record before anything is sent, and what was sent is never owed twice.

-- prepared: a list of what is owed, nothing is signed for certain, nothing sent. sending: its signed entries are on record, and may be on
-- the chain. done: each entry is booked, or can never be executed any more.
CREATE TABLE payout_batches (
  id text COLLATE "C" PRIMARY KEY,        -- made from the lines; a list that recurs after a payout came to nothing gets a number
  digest text NOT NULL,                   -- sha256 of the lines
  state text NOT NULL CHECK (state IN ('prepared', 'sending', 'done')),
  salt_seconds bigint NOT NULL,           -- with the key it decides every byte of the entries: signing twice makes no second payment
  source text NOT NULL DEFAULT '',        -- FA… that pays; known from the signed entries
  total numeric NOT NULL CHECK (total > 0),
  made_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX payout_batches_prepared ON payout_batches (state) WHERE state = 'prepared';
CREATE UNIQUE INDEX payout_batches_digest ON payout_batches (digest) WHERE state <> 'done';

CREATE TABLE payout_entries (
  batch text COLLATE "C" NOT NULL REFERENCES payout_batches ON DELETE CASCADE,
  no integer NOT NULL,
  entry_hash text NOT NULL UNIQUE,
  raw text NOT NULL,                      -- the whole signed entry, hex
  state text NOT NULL CHECK (state IN ('intended', 'revealed', 'booked', 'void')),
  tx_id text NOT NULL DEFAULT '',         -- of its commit
  why text NOT NULL DEFAULT '',           -- why it is void: what it was to pay is owed again
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (batch, no)
);

CREATE TABLE payout_lines (
  batch text COLLATE "C" NOT NULL REFERENCES payout_batches ON DELETE CASCADE,
  no integer NOT NULL,
  user_name text COLLATE "C" NOT NULL REFERENCES users (name),
  address text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  total_owed bigint NOT NULL,
  total_paid bigint NOT NULL,             -- or on its way by then
  entry integer,                          -- no of the entry that pays it
  PRIMARY KEY (batch, no),
  UNIQUE (batch, user_name),
  FOREIGN KEY (batch, entry) REFERENCES payout_entries (batch, no)
);
CREATE INDEX payout_lines_user ON payout_lines (user_name);

-- Money on its way: sent or about to be, and not booked. It is owed still, and must not be paid a second time.
CREATE VIEW payout_reserved AS
SELECT l.user_name, sum(l.amount) AS amount
FROM payout_lines l JOIN payout_entries e ON e.batch = l.batch AND e.no = l.entry
WHERE e.state IN ('intended', 'revealed')
  AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.entry_hash = e.entry_hash AND p.user_name = l.user_name)
GROUP BY l.user_name;

-- Once on record, an entry and what it pays stand; only how far it has come changes, and never back.
CREATE TRIGGER payout_entries_fixed BEFORE UPDATE ON payout_entries FOR EACH ROW
  WHEN ((NEW.batch, NEW.no, NEW.entry_hash, NEW.raw) IS DISTINCT FROM (OLD.batch, OLD.no, OLD.entry_hash, OLD.raw)
    OR (OLD.state IN ('booked', 'void') AND NEW.state <> OLD.state) OR (OLD.state = 'revealed' AND NEW.state = 'intended'))
  EXECUTE FUNCTION books_refuse();
CREATE TRIGGER payout_entries_kept BEFORE DELETE ON payout_entries FOR EACH ROW EXECUTE FUNCTION books_refuse();
CREATE TRIGGER payout_lines_fixed BEFORE UPDATE ON payout_lines FOR EACH ROW
  WHEN (OLD.entry IS NOT NULL OR (NEW.batch, NEW.no, NEW.user_name, NEW.address, NEW.amount, NEW.total_owed, NEW.total_paid)
    IS DISTINCT FROM (OLD.batch, OLD.no, OLD.user_name, OLD.address, OLD.amount, OLD.total_owed, OLD.total_paid))
  EXECUTE FUNCTION books_refuse();
CREATE TRIGGER payout_batches_fixed BEFORE UPDATE ON payout_batches FOR EACH ROW
  WHEN ((NEW.id, NEW.digest, NEW.total) IS DISTINCT FROM (OLD.id, OLD.digest, OLD.total)
    OR (OLD.state <> 'prepared' AND (NEW.state = 'prepared' OR NEW.salt_seconds <> OLD.salt_seconds OR NEW.source <> OLD.source))
    OR (OLD.state = 'done' AND NEW.state <> 'done'))
  EXECUTE FUNCTION books_refuse();
CREATE TRIGGER payout_batches_kept BEFORE DELETE ON payout_batches FOR EACH ROW WHEN (OLD.state <> 'prepared')
  EXECUTE FUNCTION books_refuse();
