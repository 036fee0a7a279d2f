-- The oldest code that may use this database, by the newest migration that it knows. A migration that takes away what older code uses raises
-- it, with the name of the release whose code is the first that can do without (CONTRIBUTING.md, "A migration").
CREATE TABLE schema_minimum (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  version integer NOT NULL,
  release text NOT NULL
);
INSERT INTO schema_minimum (version, release) VALUES (66, '0.1.0');
