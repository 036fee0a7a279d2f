-- Pages that wait for the miner whose line they gave, where edges are elsewhere, and what the edges saw of it (docs/decisions/connect-codes.md). Both go
-- a minute after the page is gone.
CREATE TABLE connect_watches (
  code text PRIMARY KEY,       -- the page's own
  place text NOT NULL,         -- the address that the page is asked from
  until timestamptz NOT NULL   -- put off while the page asks
);
CREATE TABLE connect_sightings (
  code text NOT NULL REFERENCES connect_watches ON DELETE CASCADE,
  edge text NOT NULL,
  seen text NOT NULL,          -- the newest connections that the page may be told of, as JSON
  PRIMARY KEY (code, edge)
);
