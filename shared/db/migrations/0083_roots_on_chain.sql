-- Roots of sealed blocks on a Factom chain of the pool's own (docs/proofs.md, "Roots on the chain").

-- Entries as they were composed, before the first was sent: bytes that stay make an entry sent twice one entry, whatever key signs later.
CREATE TABLE root_entries (
  no integer PRIMARY KEY,
  chain_id text NOT NULL,
  first_height integer NOT NULL REFERENCES jobs (height),
  last_height integer NOT NULL REFERENCES jobs (height),
  entry_hash text NOT NULL UNIQUE,
  -- Hex.
  raw text NOT NULL,
  -- Height of the directory block that has it.
  placed_in integer,
  at timestamptz NOT NULL DEFAULT now(),
  CHECK (first_height <= last_height)
);
CREATE INDEX root_entries_waiting ON root_entries (no) WHERE placed_in IS NULL;

-- How far each chain was read, by height of directory block. A new key has a chain of its own.
CREATE TABLE root_chains (
  chain_id text PRIMARY KEY,
  key text NOT NULL,
  read_through integer NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

-- What the chains say, read back from them. Of a height the first row by place counts; another one that says something else contradicts it.
CREATE TABLE chain_roots (
  height integer NOT NULL,
  entry_hash text NOT NULL,
  placed_in integer NOT NULL,
  place integer NOT NULL,
  root text NOT NULL,
  reward bigint NOT NULL,
  carried_in bigint NOT NULL,
  fee bigint NOT NULL,
  paid bigint NOT NULL,
  carried bigint NOT NULL,
  books text NOT NULL,
  PRIMARY KEY (height, entry_hash)
);
CREATE TRIGGER chain_roots_fixed BEFORE UPDATE OR DELETE ON chain_roots FOR EACH ROW EXECUTE FUNCTION books_refuse();
