-- An invite code is read without regard to case and separators (docs/design.md, "Accounts"): it is looked up by this spelling.
CREATE INDEX invites_spelling ON invites (lower(translate(code, ' -_.', '')));
