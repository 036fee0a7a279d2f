-- How far the books were proved, block by block, so that a check costs what was sealed since the last one and not what was ever sealed
-- (docs/design.md, "Money is conserved"). `again`: how far the second looks have come, which go over old blocks a few at a time, round and round.
CREATE TABLE books_proved (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  through integer NOT NULL DEFAULT -1,
  proved_at timestamptz,
  again integer NOT NULL DEFAULT -1,
  again_at timestamptz
);
INSERT INTO books_proved DEFAULT VALUES;
