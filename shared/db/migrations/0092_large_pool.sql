-- What pages show of a user with thousands of rigs, kept where it is written (docs/scale.md, "Pages of a large pool").

-- Refused shares of a user's workers in a job, beside the shares. Null: sealed before, so that they have to be added up.
ALTER TABLE payouts ADD COLUMN rejected bigint;

CREATE OR REPLACE FUNCTION books_draft(p_height integer, p_attempt text, p_rows text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM jobs WHERE height = p_height AND state = 'closing' FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO payouts (job, attempt, user_name, shares, work, amount, rejected)
    SELECT p_height, p_attempt, r."user", r.shares, r.work, r.amount,
      (SELECT COALESCE(sum(w.rejected), 0) FROM work w WHERE w.job = p_height AND w.user_name = r."user")
    FROM jsonb_to_recordset(p_rows::jsonb) AS r("user" text, shares numeric, work numeric, amount numeric)
    ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

-- What sealed blocks up to a height have booked to a user, and with it the balances that pages show: sealed payouts never change, so a sum that is
-- kept stays right, and what is behind it is added. Money is paid by `balances`, which adds up all there is.
CREATE TABLE booked_sums (
  user_name text PRIMARY KEY,
  through integer NOT NULL,
  amount numeric NOT NULL
);

CREATE VIEW shown_balances AS
  SELECT user_name, payout_address, booked, adjusted, paid_out, booked + adjusted - paid_out AS owed FROM (
    SELECT u.name AS user_name, u.payout_address,
      COALESCE(s.amount, 0) + COALESCE((SELECT sum(p.amount) FROM payouts p WHERE p.user_name = u.name AND p.job > COALESCE(s.through, -1)
        AND p.job NOT IN (SELECT height FROM jobs WHERE state <> 'sealed')), 0) AS booked,
      COALESCE((SELECT sum(a.amount) FROM adjustments a WHERE a.user_name = u.name), 0) AS adjusted,
      COALESCE((SELECT sum(y.amount) FROM payments y WHERE y.user_name = u.name), 0) AS paid_out
    FROM users u LEFT JOIN booked_sums s ON s.user_name = u.name) b;

-- When jobs began, without their records and prices.
CREATE INDEX jobs_began ON jobs (height) INCLUDE (created_at);
