-- The nodes of a sealed block's tree above each 256 leaves: a proof reads the leaves of its own groups, whatever the block has in all
-- (shared/db/leaf-groups.ts). `user_name` and `worker` are those of a group's last leaf.
CREATE TABLE leaf_groups (
  job integer NOT NULL,
  user_name text NOT NULL,
  worker text NOT NULL,
  leaves integer NOT NULL CHECK (leaves > 0),
  hash text NOT NULL,
  shares numeric NOT NULL,
  work numeric NOT NULL,
  PRIMARY KEY (job, user_name, worker)
);
