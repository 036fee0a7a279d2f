-- A seal reads and writes few large pages (shared/db/seals.ts).

DROP TRIGGER payouts_closing ON payouts;
DROP FUNCTION books_only_in_state();
CREATE TRIGGER payouts_drafted AFTER INSERT ON payouts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('closing');
CREATE TRIGGER payouts_dropped AFTER DELETE ON payouts REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('closing');

-- The sums of a job behind (p_user, p_worker), of all where these are null, in byte order: p_rows at most, and so many that their JSON is no
-- longer than p_bytes. The planner knows nothing of a job that has just come to be, and would sort all of it for every page: it must
-- walk the key.
CREATE FUNCTION work_page(p_job integer, p_user text, p_worker text, p_bytes integer, p_rows integer)
  RETURNS TABLE ("user" text, worker text, shares text, work text) LANGUAGE sql STABLE
  SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off AS $$
  SELECT p.user_name, p.worker, p.shares::text, p.work::text FROM (
    SELECT w.user_name, w.worker, w.shares, w.work,
      sum(180 + 2 * (length(w.user_name) + length(w.worker))) OVER (ORDER BY w.user_name, w.worker ROWS UNBOUNDED PRECEDING) AS bytes
    FROM work w WHERE w.job = p_job AND (w.user_name, w.worker) > (COALESCE(p_user, ''), COALESCE(p_worker, ''))
    ORDER BY w.user_name, w.worker LIMIT p_rows) p
  WHERE p.bytes <= p_bytes ORDER BY p.user_name, p.worker;
$$;

-- The guard above lets payouts be written for a job that is there and closing only, and no job can be removed (jobs_kept): the foreign key
-- asked the same again for every row.
ALTER TABLE payouts DROP CONSTRAINT payouts_job_fkey;
