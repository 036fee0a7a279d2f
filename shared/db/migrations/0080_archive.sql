-- The deltas booked into a sealed block move to an archive (docs/design.md, "The archive of deltas"): their bodies go, key and sha256 stay, so that
-- a repeated message still counts once. What is booked into a sealed block is a closed set, late work of earlier blocks included.
ALTER TABLE deltas ALTER COLUMN body DROP NOT NULL;

-- One row a file, in the order of writing; a block has one, or several where it is large. Each row is hashed onto the one before it.
CREATE TABLE archive_files (
  no integer PRIMARY KEY,
  height integer NOT NULL REFERENCES jobs (height),
  part integer NOT NULL CHECK (part >= 0),
  -- No further part of this block follows.
  is_last boolean NOT NULL,
  deltas integer NOT NULL CHECK (deltas >= 0),
  -- Key of its last delta; null where it has none.
  last_job integer,
  last_slot smallint,
  last_epoch bigint,
  last_seq integer,
  -- Length and hash of the content, before it is compressed.
  bytes bigint NOT NULL,
  sha256 text NOT NULL,
  -- Hash over the lines "job/slot/epoch/seq sha256" of its deltas, as they were read back from the file.
  keys_sha256 text NOT NULL,
  chain text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (height, part),
  CHECK ((deltas = 0) = (last_job IS NULL) AND (deltas > 0 OR (part = 0 AND is_last)))
);

-- Every delta whose work is in this block's sums.
CREATE FUNCTION books_deltas_of(p_height integer) RETURNS SETOF deltas LANGUAGE sql STABLE AS $$
  SELECT * FROM deltas WHERE job = p_height AND into_job = p_height
  UNION ALL
  SELECT * FROM deltas WHERE into_job = p_height AND into_job <> job;
$$;

-- A file is recorded in its order, and only where it holds exactly the deltas that the tables have.
CREATE FUNCTION archive_file_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  p archive_files;
  v_root text;
  v_next integer;
  v_deltas integer;
  v_keys text;
  v_more boolean;
BEGIN
  SELECT * INTO p FROM archive_files ORDER BY no DESC LIMIT 1;
  IF p.no IS NOT NULL AND NOT p.is_last THEN
    v_next := p.height;
  ELSE
    SELECT height INTO v_next FROM jobs WHERE state = 'sealed' AND height > COALESCE(p.height, -1) ORDER BY height LIMIT 1;
    -- Of another block: its last delta is nothing to go on from.
    p.part := -1; p.last_job := NULL; p.last_slot := NULL; p.last_epoch := NULL; p.last_seq := NULL;
  END IF;
  IF NEW.no <> COALESCE(p.no, 0) + 1 OR NEW.height IS DISTINCT FROM v_next OR NEW.part <> p.part + 1 THEN
    RAISE EXCEPTION 'archive file % is part % of block %: expected file %, part % of block %', NEW.no, NEW.part, NEW.height,
      COALESCE(p.no, 0) + 1, p.part + 1, v_next USING ERRCODE = 'BK001';
  END IF;
  SELECT root INTO v_root FROM jobs WHERE height = NEW.height;
  SELECT count(*) FILTER (WHERE k.inside), COALESCE(bool_or(NOT k.inside), false),
      encode(sha256(convert_to(COALESCE(string_agg(k.line, '' ORDER BY k.job, k.slot, k.epoch, k.seq) FILTER (WHERE k.inside), ''), 'UTF8')), 'hex')
    INTO v_deltas, v_more, v_keys
    FROM (SELECT d.job, d.slot, d.epoch, d.seq, format(E'%s/%s/%s/%s %s\n', d.job, d.slot, d.epoch, d.seq, d.sha256) AS line,
        COALESCE((d.job, d.slot, d.epoch, d.seq) <= (NEW.last_job, NEW.last_slot, NEW.last_epoch, NEW.last_seq), false) AS inside
      FROM books_deltas_of(NEW.height) d
      WHERE p.last_job IS NULL OR (d.job, d.slot, d.epoch, d.seq) > (p.last_job, p.last_slot, p.last_epoch, p.last_seq)) k;
  IF v_deltas <> NEW.deltas OR v_keys <> NEW.keys_sha256 OR v_more = NEW.is_last THEN
    RAISE EXCEPTION 'part % of block % does not hold the deltas that the tables have: % of them, keys %, further ones: %', NEW.part, NEW.height,
      v_deltas, v_keys, v_more USING ERRCODE = 'BK001';
  END IF;
  NEW.chain := encode(sha256(convert_to(format(E'%s\n%s %s %s %s %s %s %s', COALESCE(p.chain, ''), NEW.no, NEW.height, NEW.part, NEW.deltas,
    v_root, NEW.keys_sha256, NEW.sha256), 'UTF8')), 'hex');
  RETURN NEW;
END $$;

CREATE TRIGGER archive_files_added BEFORE INSERT ON archive_files FOR EACH ROW EXECUTE FUNCTION archive_file_added();
CREATE TRIGGER archive_files_fixed BEFORE UPDATE OR DELETE ON archive_files FOR EACH ROW EXECUTE FUNCTION books_refuse();

-- A body goes only where its file is on record.
CREATE FUNCTION deltas_archived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM archive_files f WHERE f.height = OLD.into_job
    AND (f.last_job, f.last_slot, f.last_epoch, f.last_seq) >= (OLD.job, OLD.slot, OLD.epoch, OLD.seq)) THEN
    RAISE EXCEPTION 'the body of delta %/%/%/% is in no file of the archive', OLD.job, OLD.slot, OLD.epoch, OLD.seq USING ERRCODE = 'BK001';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER deltas_archived BEFORE UPDATE ON deltas FOR EACH ROW WHEN (OLD.body IS NOT NULL AND NEW.body IS NULL)
  EXECUTE FUNCTION deltas_archived();

DROP TRIGGER deltas_fixed ON deltas;
CREATE TRIGGER deltas_fixed BEFORE UPDATE ON deltas FOR EACH ROW WHEN (
  (OLD.into_job IS NOT NULL OR NEW.job IS DISTINCT FROM OLD.job OR NEW.slot IS DISTINCT FROM OLD.slot OR NEW.epoch IS DISTINCT FROM OLD.epoch
    OR NEW.seq IS DISTINCT FROM OLD.seq OR NEW.sha256 IS DISTINCT FROM OLD.sha256 OR NEW.body IS DISTINCT FROM OLD.body
    OR NEW.applied_at IS DISTINCT FROM OLD.applied_at)
  AND NOT (OLD.into_job IS NOT NULL AND OLD.body IS NOT NULL AND NEW.body IS NULL AND NEW.job = OLD.job AND NEW.slot = OLD.slot
    AND NEW.epoch = OLD.epoch AND NEW.seq = OLD.seq AND NEW.sha256 = OLD.sha256 AND NEW.into_job IS NOT DISTINCT FROM OLD.into_job
    AND NEW.applied_at = OLD.applied_at AND NEW.folded IS NOT DISTINCT FROM OLD.folded AND NEW.dropped IS NOT DISTINCT FROM OLD.dropped)
) EXECUTE FUNCTION books_refuse();
