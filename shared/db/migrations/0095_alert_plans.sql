-- Alerts of workers: joined by hashing, whatever the statistics say. A session keeps the plan that it made when few workers changed and no alert stood,
-- and with a loop in a loop 10,000 workers that came back soon after all had fallen silent took 37 s to a minute and more.
CREATE OR REPLACE FUNCTION alert_workers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_nestloop = off AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM changed) OR NOT EXISTS (SELECT 1 FROM alert_destinations) THEN RETURN NULL; END IF;
  PERFORM 1 FROM alerts a WHERE (a.destination, a.subject) IN (
      SELECT d.id, c.worker FROM changed c JOIN alert_destinations d ON d.user_name = c.user_name)
    AND a.kind IN ('low', 'offline', 'recovered') ORDER BY a.destination, a.kind, a.subject FOR NO KEY UPDATE;
  -- Destinations first: workers of different users have the same names.
  WITH due AS MATERIALIZED (
    SELECT d.id, c.worker, c.state FROM changed c JOIN alert_destinations d ON d.user_name = c.user_name WHERE c.state <> 'ok')
  UPDATE alerts a SET due_at = NULL FROM due
    WHERE a.destination = due.id AND a.subject = due.worker AND a.kind IN ('low', 'offline', 'recovered') AND a.kind <> due.state AND a.due_at IS NOT NULL;
  PERFORM alert_add(array_agg(c.user_name), array_agg(c.state), array_agg(c.worker), array_agg(c.at), array_agg(c.since), array_agg(''::text),
    array_agg(0::numeric)) FROM changed c WHERE c.state <> 'ok';
  RETURN NULL;
END $$;
