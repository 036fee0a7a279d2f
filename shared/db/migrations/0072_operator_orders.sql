-- What an operator orders: who is barred, and what all are told (docs/design.md, "Operator's orders"). Rows are never deleted; what is over stays to be seen.
CREATE TABLE bars (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('user', 'address')),
  -- A user's name, or an address or CIDR range.
  subject text NOT NULL,
  -- 'mining': its miners are sent away. 'all': it cannot log in or register either.
  scope text NOT NULL CHECK (scope IN ('mining', 'all')),
  reason text NOT NULL CHECK (reason <> ''),
  made_by text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  -- NULL: until it is lifted.
  until timestamptz,
  lifted_at timestamptz,
  lifted_by text
);
-- One in force for each subject.
CREATE UNIQUE INDEX bars_standing ON bars (kind, subject) WHERE lifted_at IS NULL;
CREATE TABLE notices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- 'maintenance': miners are stopped from begins_at on.
  kind text NOT NULL CHECK (kind IN ('announcement', 'maintenance')),
  words text NOT NULL CHECK (words <> ''),
  made_by text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  begins_at timestamptz NOT NULL,
  until timestamptz NOT NULL CHECK (until > begins_at),
  ended_at timestamptz,
  ended_by text
);
CREATE INDEX notices_standing ON notices (id) WHERE ended_at IS NULL;
