-- Payouts that nobody can lead astray: a list that was prepared is never removed, and what the paying addresses have done on the chain
-- is compared with the payments.

-- replaced: another list was prepared, or sent, in its place. Only its lines may go, once nothing of it can be sent any more.
ALTER TABLE payout_batches DROP CONSTRAINT payout_batches_state_check;
ALTER TABLE payout_batches ADD CONSTRAINT payout_batches_state_check
  CHECK (state IN ('prepared', 'replaced', 'sending', 'done'));
-- Not made by the pool from its books: an operator wrote the list.
ALTER TABLE payout_batches ADD COLUMN by_hand boolean NOT NULL DEFAULT false;
DROP INDEX payout_batches_digest;
CREATE UNIQUE INDEX payout_batches_digest ON payout_batches (digest) WHERE state IN ('prepared', 'sending');

DROP TRIGGER payout_batches_fixed ON payout_batches;
CREATE TRIGGER payout_batches_fixed BEFORE UPDATE ON payout_batches FOR EACH ROW
  WHEN ((NEW.id, NEW.digest, NEW.total, NEW.by_hand) IS DISTINCT FROM (OLD.id, OLD.digest, OLD.total, OLD.by_hand)
    OR (OLD.state IN ('sending', 'done') AND (NEW.state IN ('prepared', 'replaced') OR NEW.salt_seconds <> OLD.salt_seconds
      OR NEW.source <> OLD.source))
    OR (OLD.state = 'done' AND NEW.state <> 'done'))
  EXECUTE FUNCTION books_refuse();
DROP TRIGGER payout_batches_kept ON payout_batches;
CREATE TRIGGER payout_batches_kept BEFORE DELETE ON payout_batches FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE FUNCTION payout_lines_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM payout_batches WHERE id = OLD.batch AND state = 'replaced') THEN
    RAISE EXCEPTION 'the lines of payout % are its record', OLD.batch USING ERRCODE = 'BK001';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER payout_lines_kept BEFORE DELETE ON payout_lines FOR EACH ROW EXECUTE FUNCTION payout_lines_kept();

-- Up to which block everything that an address paid on the chain is in the books, on its way, or disregarded.
CREATE TABLE payout_compared (
  source text COLLATE "C" PRIMARY KEY,    -- FA…
  height integer NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

-- Entries by which a paying address paid no miner, said by an administrator: moving the pool's fee, for instance.
CREATE TABLE payout_disregarded (
  entry_hash text PRIMARY KEY,
  source text NOT NULL,
  reason text NOT NULL CHECK (reason <> ''),
  at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER payout_disregarded_fixed BEFORE UPDATE OR DELETE ON payout_disregarded
  FOR EACH ROW EXECUTE FUNCTION books_refuse();
