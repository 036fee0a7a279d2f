-- More that users are told: payments, blocks, a changed address, refused shares (docs/decisions/alerts.md).

-- Money goes first: what cannot be told is a warning in the database's log, and the payment or the block is booked all the same.
CREATE FUNCTION alert_payments() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM alert_add(array_agg(p.user_name), array_agg('payment'::text), array_agg(''::text), array_agg(p.at), array_agg(NULL::timestamptz),
    array_agg(p.entry_hash), array_agg(p.amount::numeric)) FROM paid p;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'a payment is booked, and nobody is told: %', SQLERRM;
  RETURN NULL;
END $$;
CREATE TRIGGER payments_alert AFTER INSERT ON payments REFERENCING NEW TABLE AS paid FOR EACH STATEMENT EXECUTE FUNCTION alert_payments();

-- Who has a part of its reward is told.
CREATE FUNCTION alert_block() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM alert_add(array_agg(p.user_name), array_agg('block'::text), array_agg(''::text), array_agg(NEW.sealed_at), array_agg(NULL::timestamptz),
    array_agg(NEW.height::text), array_agg(p.amount::numeric))
    FROM payouts p WHERE p.job = NEW.height AND p.attempt = NEW.attempt AND p.amount > 0
      AND EXISTS (SELECT 1 FROM alert_destinations d WHERE d.user_name = p.user_name AND 'block' = ANY (d.events));
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'a block is sealed, and nobody is told: %', SQLERRM;
  RETURN NULL;
END $$;
CREATE TRIGGER jobs_alert AFTER UPDATE ON jobs FOR EACH ROW WHEN (NEW.state = 'sealed' AND OLD.state <> 'sealed' AND NEW.reward > 0)
  EXECUTE FUNCTION alert_block();

CREATE FUNCTION alert_address() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM alert_add(ARRAY[NEW.name], ARRAY['address'::text], ARRAY[''::text], ARRAY[now()], ARRAY[NULL::timestamptz], ARRAY[coalesce(NEW.payout_address, '')],
    ARRAY[0::numeric]);
  RETURN NULL;
END $$;
CREATE TRIGGER users_alert AFTER UPDATE OF payout_address ON users FOR EACH ROW WHEN (OLD.payout_address IS DISTINCT FROM NEW.payout_address)
  EXECUTE FUNCTION alert_address();

-- Rigs of which more than p_part of the shares of this hour and the last were refused, p_least of them or more: once a day while that goes on.
CREATE FUNCTION alert_refused(p_now timestamptz, p_part double precision, p_least integer) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT alert_add(array_agg(r.user_name), array_agg('refused'::text), array_agg(r.worker), array_agg(p_now), array_agg(NULL::timestamptz),
    array_agg(r.rejected || ' of ' || (r.rejected + r.shares)), array_agg(0::numeric))
  FROM (
    SELECT h.user_name, h.worker, sum(h.shares) AS shares, sum(h.rejected) AS rejected FROM worker_hours h
    WHERE h.user_name IN (SELECT d.user_name FROM alert_destinations d WHERE 'refused' = ANY (d.events)) AND h.worker <> '(other rigs)'
      AND h.hour >= date_trunc('hour', p_now) - interval '1 hour'
    GROUP BY h.user_name, h.worker HAVING sum(h.rejected) >= p_least AND sum(h.rejected) > p_part * sum(h.rejected + h.shares)) r
  WHERE NOT EXISTS (SELECT 1 FROM alerts a JOIN alert_destinations d ON d.id = a.destination
    WHERE d.user_name = r.user_name AND a.kind = 'refused' AND a.subject = r.worker AND (a.due_at IS NOT NULL OR a.told_at > p_now - interval '1 day'));
$$;
