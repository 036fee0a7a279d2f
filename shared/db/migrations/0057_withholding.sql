-- Whether a miner keeps back what would win (docs/decisions/withholding.md).

-- Per user and the job its shares were mined for, whatever job they are booked into: whole hashes of credited work at targets below the
-- job's threshold, and hits that reached it while they could still win. Sums of the deltas: the replay makes them again.
CREATE TABLE tallies (
  job integer NOT NULL REFERENCES jobs,
  user_name text COLLATE "C" NOT NULL REFERENCES users (name),
  judged numeric(40) NOT NULL,
  sent bigint NOT NULL,
  PRIMARY KEY (job, user_name)
);

-- What those of sealed jobs come to, user by user: shared/accounting/withholding.ts says how. `through` is the last job in it.
CREATE TABLE withholding (
  user_name text COLLATE "C" PRIMARY KEY REFERENCES users (name),
  through integer NOT NULL,
  expected numeric NOT NULL,              -- hits due, in 2^-64
  sent bigint NOT NULL,
  looks jsonb NOT NULL
);
-- Every sealed job up to this one is in it.
CREATE TABLE withholding_through (height integer NOT NULL);
INSERT INTO withholding_through VALUES (-1);

-- In the transaction that inserts the delta, so that a duplicate adds nothing. Before any row of workers or work is locked.
CREATE FUNCTION tallies_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tallies AS t (job, user_name, judged, sent)
    SELECT NEW.job, r."user", sum(r.judged), sum(COALESCE(r.sent, 0))
    FROM jsonb_to_recordset(NEW.body::jsonb -> 'rows') AS r("user" text COLLATE "C", judged numeric, sent numeric)
    WHERE r.judged > 0 GROUP BY r."user" ORDER BY r."user"
    ON CONFLICT (job, user_name) DO UPDATE SET judged = t.judged + excluded.judged, sent = t.sent + excluded.sent;
  RETURN NULL;
END $$;
CREATE TRIGGER deltas_tallied AFTER INSERT ON deltas FOR EACH ROW EXECUTE FUNCTION tallies_add();
CREATE TRIGGER tallies_kept BEFORE DELETE ON tallies FOR EACH ROW EXECUTE FUNCTION books_refuse();
