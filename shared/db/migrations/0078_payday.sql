-- Payday on the page: how many people must agree to a payout, who did, and who had it sent (docs/decisions/payday.md).
ALTER TABLE payout_batches ADD COLUMN approvals_needed integer NOT NULL DEFAULT 0;
-- An administrator of the pages; '': the command line. The pool goes on by itself with what was sent from the pages.
ALTER TABLE payout_batches ADD COLUMN sent_by text NOT NULL DEFAULT '';
-- Whoever prepared it is the first. 'command line' is no user's name: names have no spaces.
CREATE TABLE payout_approvals (
  batch text COLLATE "C" NOT NULL REFERENCES payout_batches,
  who text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (batch, who)
);
CREATE TRIGGER payout_approvals_fixed BEFORE UPDATE OR DELETE ON payout_approvals
  FOR EACH ROW EXECUTE FUNCTION books_refuse();
-- The public feed of payments, entry by entry.
CREATE INDEX payments_feed ON payments (at DESC, entry_hash DESC);
-- Adjustments that wait for a second administrator. Once decided, a row is never changed.
CREATE TABLE adjustment_requests (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_name text COLLATE "C" NOT NULL REFERENCES users (name),
  amount bigint NOT NULL CHECK (amount <> 0),
  reason text NOT NULL CHECK (reason <> ''),
  made_by text NOT NULL,
  request_id text NOT NULL UNIQUE,
  at timestamptz NOT NULL DEFAULT now(),
  decided_at timestamptz,
  decided_by text,
  -- NULL: withdrawn, or undecided.
  adjustment bigint
);
CREATE INDEX adjustment_requests_waiting ON adjustment_requests (id) WHERE decided_at IS NULL;
CREATE TRIGGER adjustment_requests_fixed BEFORE UPDATE ON adjustment_requests FOR EACH ROW
  WHEN (OLD.decided_at IS NOT NULL
    OR (NEW.user_name, NEW.amount, NEW.reason, NEW.made_by, NEW.request_id) IS DISTINCT FROM (OLD.user_name, OLD.amount, OLD.reason, OLD.made_by, OLD.request_id))
  EXECUTE FUNCTION books_refuse();
CREATE TRIGGER adjustment_requests_kept BEFORE DELETE ON adjustment_requests FOR EACH ROW EXECUTE FUNCTION books_refuse();
