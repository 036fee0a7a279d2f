-- What a user was paid, from the index alone: each of its payments is on a page of the table of its own. Payments are never changed.
DROP INDEX payments_user;
CREATE INDEX payments_user ON payments (user_name, at DESC) INCLUDE (amount);
-- What is reserved for entries under way: what is booked of them is looked up once. Before, all payments of a user were read for each of its lines.
CREATE OR REPLACE VIEW payout_reserved AS
SELECT l.user_name, sum(l.amount) AS amount FROM payout_lines l JOIN payout_entries e ON e.batch = l.batch AND e.no = l.entry
WHERE e.state IN ('intended', 'revealed') AND (e.entry_hash, l.user_name) NOT IN (
  SELECT p.entry_hash, p.user_name FROM payout_entries u JOIN payments p ON p.entry_hash = u.entry_hash WHERE u.state IN ('intended', 'revealed'))
GROUP BY l.user_name;
