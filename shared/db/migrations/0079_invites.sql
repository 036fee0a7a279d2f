-- Invite codes say what they are for, who made them and until when they are good.
ALTER TABLE invites ADD COLUMN note text NOT NULL DEFAULT '';
-- An administrator, or 'command line'; '': made before, or by the pool at its start.
ALTER TABLE invites ADD COLUMN made_by text NOT NULL DEFAULT '';
-- NULL: without an end.
ALTER TABLE invites ADD COLUMN ends_at timestamptz;
