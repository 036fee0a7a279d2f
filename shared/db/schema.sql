CREATE TABLE address_holds (
  user_name text NOT NULL,
  former text NOT NULL,
  code text NOT NULL,
  changed_at timestamp with time zone NOT NULL,
  held_until timestamp with time zone NOT NULL,
  CONSTRAINT address_holds_pkey PRIMARY KEY (user_name),
  CONSTRAINT address_holds_code_key UNIQUE (code),
  CONSTRAINT address_holds_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name) ON DELETE CASCADE
);

CREATE TABLE adjustment_requests (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  user_name text NOT NULL,
  amount bigint NOT NULL,
  reason text NOT NULL,
  made_by text NOT NULL,
  request_id text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  decided_at timestamp with time zone,
  decided_by text,
  adjustment bigint,
  CONSTRAINT adjustment_requests_pkey PRIMARY KEY (id),
  CONSTRAINT adjustment_requests_amount_check CHECK ((amount <> 0)),
  CONSTRAINT adjustment_requests_reason_check CHECK ((reason <> ''::text)),
  CONSTRAINT adjustment_requests_request_id_key UNIQUE (request_id),
  CONSTRAINT adjustment_requests_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name)
);

CREATE TABLE adjustments (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  user_name text NOT NULL,
  amount bigint NOT NULL,
  reason text NOT NULL,
  made_by text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  request_id text,
  CONSTRAINT adjustments_pkey PRIMARY KEY (id),
  CONSTRAINT adjustments_amount_check CHECK ((amount <> 0)),
  CONSTRAINT adjustments_reason_check CHECK ((reason <> ''::text)),
  CONSTRAINT adjustments_request_id_key UNIQUE (request_id),
  CONSTRAINT adjustments_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name)
);

CREATE TABLE admin_log (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  at timestamp with time zone NOT NULL DEFAULT now(),
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  details jsonb NOT NULL DEFAULT '{}'::jsonb,
  CONSTRAINT admin_log_pkey PRIMARY KEY (id)
);

CREATE TABLE alert_destinations (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  user_name text NOT NULL,
  kind text NOT NULL,
  target text NOT NULL,
  secret text NOT NULL DEFAULT ''::text,
  events text[] NOT NULL,
  every_minutes integer NOT NULL DEFAULT 60,
  quiet_from integer,
  quiet_until integer,
  zone text NOT NULL DEFAULT 'UTC'::text,
  made_at timestamp with time zone NOT NULL DEFAULT now(),
  code text,
  code_until timestamp with time zone,
  code_tries integer NOT NULL DEFAULT 0,
  paused_at timestamp with time zone,
  failures integer NOT NULL DEFAULT 0,
  failing_since timestamp with time zone,
  wait_until timestamp with time zone NOT NULL DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone,
  claimed_until timestamp with time zone NOT NULL DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone,
  tried_at timestamp with time zone,
  result text NOT NULL DEFAULT ''::text,
  quiet_urgent boolean NOT NULL DEFAULT false,
  CONSTRAINT alert_destinations_pkey PRIMARY KEY (id),
  CONSTRAINT alert_destinations_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name) ON DELETE CASCADE
);

CREATE TABLE alert_tries (
  user_name text NOT NULL,
  kind text NOT NULL,
  target text NOT NULL,
  at timestamp with time zone NOT NULL
);

CREATE TABLE alerts (
  destination bigint NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  version integer NOT NULL DEFAULT 1,
  at timestamp with time zone NOT NULL,
  since timestamp with time zone,
  details text NOT NULL DEFAULT ''::text,
  events integer NOT NULL,
  amount numeric NOT NULL DEFAULT 0,
  due_at timestamp with time zone,
  taken integer,
  told_at timestamp with time zone,
  CONSTRAINT alerts_pkey PRIMARY KEY (destination, kind, subject),
  CONSTRAINT alerts_destination_fkey FOREIGN KEY (destination) REFERENCES alert_destinations(id) ON DELETE CASCADE
) WITH (fillfactor=70);

CREATE TABLE api_tokens (
  user_id bigint NOT NULL,
  place smallint NOT NULL,
  name text NOT NULL,
  token_hash text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  used_at timestamp with time zone,
  CONSTRAINT api_tokens_pkey PRIMARY KEY (user_id, place),
  CONSTRAINT api_tokens_name_check CHECK ((name ~ '^[\x21-\x7e]([\x20-\x7e]{0,62}[\x21-\x7e])?$'::text)),
  CONSTRAINT api_tokens_place_check CHECK (((place >= 1) AND (place <= 20))),
  CONSTRAINT api_tokens_token_hash_key UNIQUE (token_hash),
  CONSTRAINT api_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE archive_files (
  no integer NOT NULL,
  height integer NOT NULL,
  part integer NOT NULL,
  is_last boolean NOT NULL,
  deltas integer NOT NULL,
  last_job integer,
  last_slot smallint,
  last_epoch bigint,
  last_seq integer,
  bytes bigint NOT NULL,
  sha256 text NOT NULL,
  keys_sha256 text NOT NULL,
  chain text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT archive_files_pkey PRIMARY KEY (no),
  CONSTRAINT archive_files_check CHECK ((((deltas = 0) = (last_job IS NULL)) AND ((deltas > 0) OR ((part = 0) AND is_last)))),
  CONSTRAINT archive_files_deltas_check CHECK ((deltas >= 0)),
  CONSTRAINT archive_files_height_fkey FOREIGN KEY (height) REFERENCES jobs(height),
  CONSTRAINT archive_files_height_part_key UNIQUE (height, part),
  CONSTRAINT archive_files_part_check CHECK ((part >= 0))
);

CREATE TABLE bars (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  subject text NOT NULL,
  scope text NOT NULL,
  reason text NOT NULL,
  made_by text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  until timestamp with time zone,
  lifted_at timestamp with time zone,
  lifted_by text,
  CONSTRAINT bars_pkey PRIMARY KEY (id),
  CONSTRAINT bars_kind_check CHECK ((kind = ANY (ARRAY['user'::text, 'address'::text]))),
  CONSTRAINT bars_reason_check CHECK ((reason <> ''::text)),
  CONSTRAINT bars_scope_check CHECK ((scope = ANY (ARRAY['mining'::text, 'all'::text])))
);

CREATE TABLE best_targets (
  height integer NOT NULL,
  target numeric(20,0) NOT NULL,
  entry_hash text NOT NULL,
  CONSTRAINT best_targets_pkey PRIMARY KEY (height, entry_hash),
  CONSTRAINT best_targets_height_fkey FOREIGN KEY (height) REFERENCES jobs(height)
);

CREATE TABLE block_places (
  height integer NOT NULL,
  position smallint NOT NULL,
  entry_hash text NOT NULL,
  difficulty numeric(20,0) NOT NULL,
  payout bigint NOT NULL,
  identity text NOT NULL,
  ours boolean NOT NULL,
  CONSTRAINT block_places_pkey PRIMARY KEY (height, "position"),
  CONSTRAINT block_places_height_fkey FOREIGN KEY (height) REFERENCES blocks(height)
);

CREATE TABLE blocks (
  height integer NOT NULL,
  version smallint NOT NULL,
  key_mr text NOT NULL,
  at timestamp with time zone NOT NULL,
  entries integer NOT NULL,
  graded boolean NOT NULL,
  winners jsonb NOT NULL,
  prices jsonb,
  min_target numeric(20,0),
  ema numeric(20,0),
  network_hashrate double precision,
  winning integer NOT NULL,
  reward bigint NOT NULL,
  graded_entries smallint,
  graded_others smallint,
  CONSTRAINT blocks_pkey PRIMARY KEY (height),
  CONSTRAINT blocks_reward_check CHECK ((reward >= 0))
);

CREATE TABLE booked_sums (
  user_name text NOT NULL,
  through integer NOT NULL,
  amount numeric NOT NULL,
  CONSTRAINT booked_sums_pkey PRIMARY KEY (user_name)
);

CREATE TABLE books_proved (
  one boolean NOT NULL DEFAULT true,
  through integer NOT NULL DEFAULT '-1'::integer,
  proved_at timestamp with time zone,
  again integer NOT NULL DEFAULT '-1'::integer,
  again_at timestamp with time zone,
  CONSTRAINT books_proved_pkey PRIMARY KEY (one),
  CONSTRAINT books_proved_one_check CHECK (one)
);

CREATE TABLE canary (
  at timestamp with time zone NOT NULL,
  failed_at text,
  words text NOT NULL,
  height integer,
  connect_ms double precision,
  login_ms double precision,
  job_ms double precision,
  answer_ms double precision,
  row_ms double precision,
  CONSTRAINT canary_pkey PRIMARY KEY (at)
);

CREATE TABLE chain_roots (
  height integer NOT NULL,
  entry_hash text NOT NULL,
  placed_in integer NOT NULL,
  place integer NOT NULL,
  root text NOT NULL,
  reward bigint NOT NULL,
  carried_in bigint NOT NULL,
  fee bigint NOT NULL,
  paid bigint NOT NULL,
  carried bigint NOT NULL,
  books text NOT NULL,
  CONSTRAINT chain_roots_pkey PRIMARY KEY (height, entry_hash)
);

CREATE TABLE check_states (
  name text NOT NULL,
  is_red boolean NOT NULL,
  urgent boolean NOT NULL,
  since timestamp with time zone NOT NULL,
  said text NOT NULL,
  mend text NOT NULL,
  looked_at timestamp with time zone NOT NULL,
  CONSTRAINT check_states_pkey PRIMARY KEY (name)
);

CREATE TABLE close_markers (
  job integer NOT NULL,
  slot smallint NOT NULL,
  epoch bigint NOT NULL,
  last_seq integer NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT close_markers_pkey PRIMARY KEY (job, slot, epoch)
);

CREATE TABLE connect_sightings (
  code text NOT NULL,
  edge text NOT NULL,
  seen text NOT NULL,
  CONSTRAINT connect_sightings_pkey PRIMARY KEY (code, edge),
  CONSTRAINT connect_sightings_code_fkey FOREIGN KEY (code) REFERENCES connect_watches(code) ON DELETE CASCADE
);

CREATE TABLE connect_watches (
  code text NOT NULL,
  place text NOT NULL,
  until timestamp with time zone NOT NULL,
  CONSTRAINT connect_watches_pkey PRIMARY KEY (code)
);

CREATE TABLE deltas (
  job integer NOT NULL,
  slot smallint NOT NULL,
  epoch bigint NOT NULL,
  seq integer NOT NULL,
  sha256 text NOT NULL,
  body text,
  into_job integer,
  applied_at timestamp with time zone NOT NULL DEFAULT now(),
  folded integer[],
  dropped integer[],
  CONSTRAINT deltas_pkey PRIMARY KEY (job, slot, epoch, seq),
  CONSTRAINT deltas_body_check CHECK ((octet_length(body) <= 49152))
);

CREATE TABLE edge_epochs (
  slot smallint NOT NULL,
  epoch bigint NOT NULL,
  edge_id text NOT NULL,
  began_at timestamp with time zone NOT NULL DEFAULT now(),
  first_job integer,
  last_job integer,
  CONSTRAINT edge_epochs_pkey PRIMARY KEY (slot, epoch)
);

CREATE TABLE edge_slots (
  slot smallint NOT NULL,
  edge_id text NOT NULL,
  epoch bigint NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  covered_job integer,
  CONSTRAINT edge_slots_pkey PRIMARY KEY (slot),
  CONSTRAINT edge_slots_edge_id_key UNIQUE (edge_id),
  CONSTRAINT edge_slots_slot_check CHECK (((slot >= 0) AND (slot <= 4095)))
);

CREATE TABLE heartbeat (
  only_one boolean NOT NULL DEFAULT true,
  at timestamp with time zone NOT NULL,
  was_well boolean NOT NULL,
  result text NOT NULL,
  CONSTRAINT heartbeat_pkey PRIMARY KEY (only_one),
  CONSTRAINT heartbeat_only_one_check CHECK (only_one)
);

CREATE TABLE invites (
  code text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  claimed_by bigint,
  claimed_at timestamp with time zone,
  note text NOT NULL DEFAULT ''::text,
  made_by text NOT NULL DEFAULT ''::text,
  ends_at timestamp with time zone,
  CONSTRAINT invites_pkey PRIMARY KEY (code),
  CONSTRAINT invites_check CHECK (((claimed_by IS NULL) = (claimed_at IS NULL))),
  CONSTRAINT invites_claimed_by_fkey FOREIGN KEY (claimed_by) REFERENCES users(id)
);

CREATE TABLE jobless_rewards (
  height integer NOT NULL,
  reward bigint NOT NULL,
  into_job integer NOT NULL,
  CONSTRAINT jobless_rewards_pkey PRIMARY KEY (height),
  CONSTRAINT jobless_rewards_check CHECK ((into_job > height)),
  CONSTRAINT jobless_rewards_height_fkey FOREIGN KEY (height) REFERENCES blocks(height),
  CONSTRAINT jobless_rewards_into_job_fkey FOREIGN KEY (into_job) REFERENCES jobs(height),
  CONSTRAINT jobless_rewards_reward_check CHECK ((reward > 0))
);

CREATE TABLE jobs (
  height integer NOT NULL,
  version smallint NOT NULL,
  opr_hash text NOT NULL,
  opr bytea NOT NULL,
  prices jsonb NOT NULL,
  prices_id bigint,
  threshold numeric(20,0) NOT NULL,
  fee_rate numeric(9,8) NOT NULL,
  split text NOT NULL,
  credit text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  state text NOT NULL DEFAULT 'open'::text,
  closed_seen_at timestamp with time zone,
  sealed_at timestamp with time zone,
  forced boolean,
  winning integer,
  shares bigint,
  work numeric(40,0),
  reward bigint,
  carried_in bigint,
  fee bigint,
  paid bigint,
  carried bigint,
  root text,
  attempt text,
  looked_at timestamp with time zone,
  watched_ms bigint NOT NULL DEFAULT 0,
  closed_ms bigint NOT NULL DEFAULT 0,
  CONSTRAINT jobs_pkey PRIMARY KEY (height),
  CONSTRAINT jobs_check CHECK (((state <> 'sealed'::text) OR (((fee + paid) + carried) = (reward + carried_in)))),
  CONSTRAINT jobs_credit_check CHECK ((credit = ANY (ARRAY['assigned'::text, 'achieved'::text]))),
  CONSTRAINT jobs_fee_rate_check CHECK (((fee_rate >= (0)::numeric) AND (fee_rate < (1)::numeric))),
  CONSTRAINT jobs_prices_id_fkey FOREIGN KEY (prices_id) REFERENCES prices(id),
  CONSTRAINT jobs_split_check CHECK ((split = ANY (ARRAY['largest-remainder'::text, 'reference'::text]))),
  CONSTRAINT jobs_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closing'::text, 'sealed'::text])))
);

CREATE TABLE leaf_groups (
  job integer NOT NULL,
  user_name text NOT NULL,
  worker text NOT NULL,
  leaves integer NOT NULL,
  hash text NOT NULL,
  shares numeric NOT NULL,
  work numeric NOT NULL,
  CONSTRAINT leaf_groups_pkey PRIMARY KEY (job, user_name, worker),
  CONSTRAINT leaf_groups_leaves_check CHECK ((leaves > 0))
);

CREATE TABLE leases (
  name text NOT NULL,
  holder text NOT NULL,
  epoch bigint NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT leases_pkey PRIMARY KEY (name)
);

CREATE TABLE login_failures (
  key text NOT NULL,
  failures integer NOT NULL,
  last_ms double precision NOT NULL,
  locked_until_ms double precision NOT NULL,
  CONSTRAINT login_failures_pkey PRIMARY KEY (key)
);

CREATE TABLE login_guesses (
  user_id bigint NOT NULL,
  empty_at_ms double precision NOT NULL,
  CONSTRAINT login_guesses_pkey PRIMARY KEY (user_id)
);

CREATE TABLE login_places (
  user_id bigint NOT NULL,
  place text NOT NULL,
  kind text NOT NULL,
  used_ms double precision NOT NULL,
  empty_at_ms double precision NOT NULL DEFAULT 0,
  CONSTRAINT login_places_pkey PRIMARY KEY (user_id, place),
  CONSTRAINT login_places_kind_check CHECK ((kind = ANY (ARRAY['address'::text, 'device'::text]))),
  CONSTRAINT login_places_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE migrations (
  version integer NOT NULL,
  name text NOT NULL,
  sha256 text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT migrations_pkey PRIMARY KEY (version)
);

CREATE TABLE money_log (
  id bigint NOT NULL,
  kind text NOT NULL,
  key text NOT NULL,
  body text NOT NULL,
  sha256 text NOT NULL,
  CONSTRAINT money_log_pkey PRIMARY KEY (id),
  CONSTRAINT money_log_kind_check CHECK ((kind = ANY (ARRAY['adjustment'::text, 'payment'::text]))),
  CONSTRAINT money_log_kind_key_key UNIQUE (kind, key)
);

CREATE TABLE notices (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  words text NOT NULL,
  made_by text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  begins_at timestamp with time zone NOT NULL,
  until timestamp with time zone NOT NULL,
  ended_at timestamp with time zone,
  ended_by text,
  CONSTRAINT notices_pkey PRIMARY KEY (id),
  CONSTRAINT notices_check CHECK ((until > begins_at)),
  CONSTRAINT notices_kind_check CHECK ((kind = ANY (ARRAY['announcement'::text, 'maintenance'::text]))),
  CONSTRAINT notices_words_check CHECK ((words <> ''::text))
);

CREATE TABLE password_resets (
  user_id bigint NOT NULL,
  code_hash text NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT password_resets_pkey PRIMARY KEY (user_id),
  CONSTRAINT password_resets_code_hash_key UNIQUE (code_hash),
  CONSTRAINT password_resets_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE payments (
  entry_hash text NOT NULL,
  user_name text NOT NULL,
  address text NOT NULL,
  amount bigint NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT payments_pkey PRIMARY KEY (entry_hash, user_name),
  CONSTRAINT payments_amount_check CHECK ((amount > 0)),
  CONSTRAINT payments_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name)
);

CREATE TABLE payout_approvals (
  batch text NOT NULL,
  who text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT payout_approvals_pkey PRIMARY KEY (batch, who),
  CONSTRAINT payout_approvals_batch_fkey FOREIGN KEY (batch) REFERENCES payout_batches(id)
);

CREATE TABLE payout_batches (
  id text NOT NULL,
  digest text NOT NULL,
  state text NOT NULL,
  salt_seconds bigint NOT NULL,
  source text NOT NULL DEFAULT ''::text,
  total numeric NOT NULL,
  made_at timestamp with time zone NOT NULL DEFAULT now(),
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  by_hand boolean NOT NULL DEFAULT false,
  approvals_needed integer NOT NULL DEFAULT 0,
  sent_by text NOT NULL DEFAULT ''::text,
  CONSTRAINT payout_batches_pkey PRIMARY KEY (id),
  CONSTRAINT payout_batches_state_check CHECK ((state = ANY (ARRAY['prepared'::text, 'replaced'::text, 'sending'::text, 'done'::text]))),
  CONSTRAINT payout_batches_total_check CHECK ((total > (0)::numeric))
);

CREATE TABLE payout_compared (
  source text NOT NULL,
  height integer NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT payout_compared_pkey PRIMARY KEY (source)
);

CREATE TABLE payout_disregarded (
  entry_hash text NOT NULL,
  source text NOT NULL,
  reason text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT payout_disregarded_pkey PRIMARY KEY (entry_hash),
  CONSTRAINT payout_disregarded_reason_check CHECK ((reason <> ''::text))
);

CREATE TABLE payout_entries (
  batch text NOT NULL,
  no integer NOT NULL,
  entry_hash text NOT NULL,
  raw text NOT NULL,
  state text NOT NULL,
  tx_id text NOT NULL DEFAULT ''::text,
  why text NOT NULL DEFAULT ''::text,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT payout_entries_pkey PRIMARY KEY (batch, no),
  CONSTRAINT payout_entries_batch_fkey FOREIGN KEY (batch) REFERENCES payout_batches(id) ON DELETE CASCADE,
  CONSTRAINT payout_entries_entry_hash_key UNIQUE (entry_hash),
  CONSTRAINT payout_entries_state_check CHECK ((state = ANY (ARRAY['intended'::text, 'revealed'::text, 'booked'::text, 'void'::text])))
);

CREATE TABLE payout_lines (
  batch text NOT NULL,
  no integer NOT NULL,
  user_name text NOT NULL,
  address text NOT NULL,
  amount bigint NOT NULL,
  total_owed bigint NOT NULL,
  total_paid bigint NOT NULL,
  entry integer,
  CONSTRAINT payout_lines_pkey PRIMARY KEY (batch, no),
  CONSTRAINT payout_lines_amount_check CHECK ((amount > 0)),
  CONSTRAINT payout_lines_batch_entry_fkey FOREIGN KEY (batch, entry) REFERENCES payout_entries(batch, no),
  CONSTRAINT payout_lines_batch_fkey FOREIGN KEY (batch) REFERENCES payout_batches(id) ON DELETE CASCADE,
  CONSTRAINT payout_lines_batch_user_name_key UNIQUE (batch, user_name),
  CONSTRAINT payout_lines_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name)
);

CREATE TABLE payouts (
  job integer NOT NULL,
  attempt text NOT NULL,
  user_name text NOT NULL,
  shares bigint NOT NULL,
  work numeric(40,0) NOT NULL,
  amount bigint NOT NULL,
  rejected bigint,
  CONSTRAINT payouts_pkey PRIMARY KEY (job, attempt, user_name),
  CONSTRAINT payouts_amount_check CHECK ((amount >= 0)),
  CONSTRAINT payouts_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name)
);

CREATE TABLE pool_minutes (
  minute timestamp with time zone NOT NULL,
  shares numeric NOT NULL,
  work numeric NOT NULL,
  rejected numeric NOT NULL,
  CONSTRAINT pool_minutes_pkey PRIMARY KEY (minute)
);

CREATE TABLE prices (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  at timestamp with time zone NOT NULL DEFAULT now(),
  version smallint NOT NULL,
  prices jsonb NOT NULL,
  quotes jsonb NOT NULL,
  made_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT prices_pkey PRIMARY KEY (id)
);

CREATE TABLE public_miners (
  user_name text NOT NULL,
  shows text[] NOT NULL,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT public_miners_pkey PRIMARY KEY (user_name),
  CONSTRAINT public_miners_shows_check CHECK ((shows <@ ARRAY['rate'::text, 'workers'::text, 'earned'::text, 'address'::text])),
  CONSTRAINT public_miners_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name) ON DELETE CASCADE
);

CREATE TABLE recovery_codes (
  user_id bigint NOT NULL,
  code_hash text NOT NULL,
  used_at timestamp with time zone,
  CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
  CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES second_factors(user_id) ON DELETE CASCADE
);

CREATE TABLE root_chains (
  chain_id text NOT NULL,
  key text NOT NULL,
  read_through integer NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT root_chains_pkey PRIMARY KEY (chain_id)
);

CREATE TABLE root_entries (
  no integer NOT NULL,
  chain_id text NOT NULL,
  first_height integer NOT NULL,
  last_height integer NOT NULL,
  entry_hash text NOT NULL,
  raw text NOT NULL,
  placed_in integer,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT root_entries_pkey PRIMARY KEY (no),
  CONSTRAINT root_entries_check CHECK ((first_height <= last_height)),
  CONSTRAINT root_entries_entry_hash_key UNIQUE (entry_hash),
  CONSTRAINT root_entries_first_height_fkey FOREIGN KEY (first_height) REFERENCES jobs(height),
  CONSTRAINT root_entries_last_height_fkey FOREIGN KEY (last_height) REFERENCES jobs(height)
);

CREATE TABLE schema_minimum (
  one boolean NOT NULL DEFAULT true,
  version integer NOT NULL,
  release text NOT NULL,
  CONSTRAINT schema_minimum_pkey PRIMARY KEY (one),
  CONSTRAINT schema_minimum_one_check CHECK (one)
);

CREATE TABLE second_factors (
  user_id bigint NOT NULL,
  secret bytea NOT NULL,
  made_at timestamp with time zone NOT NULL DEFAULT now(),
  confirmed_at timestamp with time zone,
  last_step bigint NOT NULL DEFAULT 0,
  CONSTRAINT second_factors_pkey PRIMARY KEY (user_id),
  CONSTRAINT second_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE sessions (
  token_hash text NOT NULL,
  user_id bigint NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  empty_at_ms double precision NOT NULL DEFAULT 0,
  CONSTRAINT sessions_pkey PRIMARY KEY (token_hash),
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE submissions (
  entry_hash text NOT NULL,
  height integer NOT NULL,
  opr_hash text NOT NULL,
  nonce text NOT NULL,
  target numeric(20,0) NOT NULL,
  user_name text NOT NULL,
  worker text NOT NULL,
  edge smallint NOT NULL,
  state text NOT NULL,
  reason text,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT submissions_pkey PRIMARY KEY (entry_hash),
  CONSTRAINT submissions_state_check CHECK ((state = ANY (ARRAY['blocked'::text, 'pending'::text, 'committed'::text, 'revealed'::text, 'abandoned'::text])))
);

CREATE TABLE tallies (
  job integer NOT NULL,
  user_name text NOT NULL,
  judged numeric(40,0) NOT NULL,
  sent bigint NOT NULL,
  CONSTRAINT tallies_pkey PRIMARY KEY (job, user_name),
  CONSTRAINT tallies_job_fkey FOREIGN KEY (job) REFERENCES jobs(height),
  CONSTRAINT tallies_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name)
);

CREATE TABLE user_minutes (
  user_name text NOT NULL,
  minute timestamp with time zone NOT NULL,
  shares numeric NOT NULL,
  work numeric NOT NULL,
  rejected numeric NOT NULL,
  own_shares numeric NOT NULL,
  own_rejected numeric NOT NULL,
  CONSTRAINT user_minutes_pkey PRIMARY KEY (user_name, minute)
);

CREATE TABLE users (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL,
  password text,
  payout_address text,
  is_admin boolean NOT NULL DEFAULT false,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_name_check CHECK ((name ~ '^[\x21-\x2b\x2d-\x7e]{1,254}$'::text)),
  CONSTRAINT users_name_key UNIQUE (name)
);

CREATE TABLE withholding (
  user_name text NOT NULL,
  through integer NOT NULL,
  expected numeric NOT NULL,
  sent bigint NOT NULL,
  looks jsonb NOT NULL,
  CONSTRAINT withholding_pkey PRIMARY KEY (user_name),
  CONSTRAINT withholding_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name)
);

CREATE TABLE withholding_through (
  height integer NOT NULL
);

CREATE TABLE work (
  job integer NOT NULL,
  user_name text NOT NULL,
  worker text NOT NULL,
  shares bigint NOT NULL,
  work numeric(40,0) NOT NULL,
  best numeric(20,0) NOT NULL,
  rejected bigint NOT NULL DEFAULT 0,
  late_shares bigint NOT NULL DEFAULT 0,
  CONSTRAINT work_pkey PRIMARY KEY (job, user_name, worker),
  CONSTRAINT work_job_fkey FOREIGN KEY (job) REFERENCES jobs(height),
  CONSTRAINT work_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name)
) WITH (fillfactor=50);

CREATE TABLE worker_changes (
  user_name text NOT NULL,
  worker text NOT NULL,
  at timestamp with time zone NOT NULL,
  state text NOT NULL,
  since timestamp with time zone NOT NULL,
  CONSTRAINT worker_changes_pkey PRIMARY KEY (user_name, worker, at),
  CONSTRAINT worker_changes_state_check CHECK ((state = ANY (ARRAY['ok'::text, 'low'::text, 'offline'::text, 'recovered'::text])))
);

CREATE TABLE worker_hours (
  user_name text NOT NULL,
  worker text NOT NULL,
  hour timestamp with time zone NOT NULL,
  shares numeric NOT NULL,
  work numeric NOT NULL,
  rejected numeric NOT NULL,
  CONSTRAINT worker_hours_pkey PRIMARY KEY (user_name, worker, hour)
);

CREATE TABLE worker_minutes (
  user_name text NOT NULL,
  worker text NOT NULL,
  minute timestamp with time zone NOT NULL,
  shares bigint NOT NULL,
  work numeric(40,0) NOT NULL,
  rejected bigint NOT NULL,
  CONSTRAINT worker_minutes_pkey PRIMARY KEY (user_name, worker, minute)
) WITH (fillfactor=50);

CREATE TABLE worker_refused (
  user_name text NOT NULL,
  worker text NOT NULL,
  hour timestamp with time zone NOT NULL,
  reason text NOT NULL,
  shares bigint NOT NULL,
  CONSTRAINT worker_refused_pkey PRIMARY KEY (user_name, worker, hour, reason)
);

CREATE TABLE worker_status (
  user_name text NOT NULL,
  worker text NOT NULL,
  first_at timestamp with time zone NOT NULL,
  last_at timestamp with time zone NOT NULL,
  last_job integer NOT NULL,
  pace double precision NOT NULL,
  pace_at timestamp with time zone NOT NULL,
  best numeric(20,0) NOT NULL,
  best_job integer NOT NULL,
  usual_rate double precision,
  usual_shares double precision,
  learned_at timestamp with time zone,
  state text NOT NULL DEFAULT 'ok'::text,
  since timestamp with time zone NOT NULL,
  up_since timestamp with time zone NOT NULL,
  hidden_at timestamp with time zone,
  CONSTRAINT worker_status_pkey PRIMARY KEY (user_name, worker),
  CONSTRAINT worker_status_state_check CHECK ((state = ANY (ARRAY['ok'::text, 'low'::text, 'offline'::text, 'recovered'::text])))
) WITH (fillfactor=70);

CREATE TABLE worker_watch (
  one boolean NOT NULL DEFAULT true,
  judged_at timestamp with time zone NOT NULL,
  since timestamp with time zone NOT NULL,
  CONSTRAINT worker_watch_pkey PRIMARY KEY (one),
  CONSTRAINT worker_watch_one_check CHECK (one)
);

CREATE TABLE workers (
  user_name text NOT NULL,
  worker text NOT NULL,
  state text NOT NULL,
  since timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT workers_pkey PRIMARY KEY (user_name, worker),
  CONSTRAINT workers_state_check CHECK ((state = ANY (ARRAY['own'::text, 'new'::text, 'waiting'::text]))),
  CONSTRAINT workers_user_name_fkey FOREIGN KEY (user_name) REFERENCES users(name)
);

CREATE TABLE workers_seen (
  user_name text NOT NULL,
  worker text NOT NULL,
  minute timestamp with time zone NOT NULL,
  CONSTRAINT workers_seen_pkey PRIMARY KEY (user_name, worker)
);

CREATE INDEX adjustment_requests_waiting ON public.adjustment_requests USING btree (id) WHERE (decided_at IS NULL);

CREATE INDEX adjustments_user ON public.adjustments USING btree (user_name, at DESC);

CREATE INDEX alert_destinations_user ON public.alert_destinations USING btree (user_name);

CREATE INDEX alert_tries_target ON public.alert_tries USING btree (target, kind);

CREATE INDEX alert_tries_user ON public.alert_tries USING btree (user_name, kind);

CREATE INDEX alerts_due ON public.alerts USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE UNIQUE INDEX bars_standing ON public.bars USING btree (kind, subject) WHERE (lifted_at IS NULL);

CREATE INDEX deltas_late ON public.deltas USING btree (into_job, job, slot, epoch, seq) WHERE (into_job <> job);

CREATE INDEX deltas_parked ON public.deltas USING btree (job, slot, epoch, seq) WHERE (into_job IS NULL);

CREATE INDEX edge_epochs_last ON public.edge_epochs USING btree (last_job);

CREATE INDEX invites_spelling ON public.invites USING btree (lower(translate(code, ' -_.'::text, ''::text)));

CREATE INDEX jobless_rewards_into ON public.jobless_rewards USING btree (into_job);

CREATE INDEX jobs_began ON public.jobs USING btree (height) INCLUDE (created_at);

CREATE INDEX jobs_unsealed ON public.jobs USING btree (height) WHERE (state <> 'sealed'::text);

CREATE INDEX login_failures_last ON public.login_failures USING btree (last_ms);

CREATE INDEX login_places_place ON public.login_places USING btree (place);

CREATE INDEX notices_standing ON public.notices USING btree (id) WHERE (ended_at IS NULL);

CREATE INDEX payments_feed ON public.payments USING btree (at DESC, entry_hash DESC);

CREATE INDEX payments_user ON public.payments USING btree (user_name, at DESC) INCLUDE (amount);

CREATE UNIQUE INDEX payout_batches_digest ON public.payout_batches USING btree (digest) WHERE (state = ANY (ARRAY['prepared'::text, 'sending'::text]));

CREATE UNIQUE INDEX payout_batches_prepared ON public.payout_batches USING btree (state) WHERE (state = 'prepared'::text);

CREATE INDEX payout_lines_user ON public.payout_lines USING btree (user_name);

CREATE INDEX payouts_owed ON public.payouts USING btree (user_name, job) INCLUDE (amount);

CREATE INDEX prices_at ON public.prices USING btree (at DESC);

CREATE INDEX root_entries_waiting ON public.root_entries USING btree (no) WHERE (placed_in IS NULL);

CREATE INDEX sessions_user ON public.sessions USING btree (user_id);

CREATE INDEX submissions_height ON public.submissions USING btree (height);

CREATE INDEX user_minutes_minute ON public.user_minutes USING btree (minute);

CREATE INDEX work_user ON public.work USING btree (user_name, job);

CREATE INDEX worker_changes_at ON public.worker_changes USING btree (at);

CREATE INDEX worker_hours_hour ON public.worker_hours USING btree (hour);

CREATE INDEX worker_minutes_minute ON public.worker_minutes USING btree (minute);

CREATE INDEX worker_refused_hour ON public.worker_refused USING btree (hour);

CREATE INDEX workers_seen_minute ON public.workers_seen USING btree (minute, user_name);

CREATE INDEX workers_since ON public.workers USING btree (user_name, state, since);

CREATE VIEW balances AS
 SELECT user_name,
    payout_address,
    booked,
    adjusted,
    paid_out,
    ((booked + adjusted) - paid_out) AS owed
   FROM ( SELECT u.name AS user_name,
            u.payout_address,
            COALESCE(( SELECT sum(p.amount) AS sum
                   FROM payouts p
                  WHERE ((p.user_name = u.name) AND (NOT (p.job IN ( SELECT j.height
                           FROM jobs j
                          WHERE (j.state <> 'sealed'::text)))))), (0)::numeric) AS booked,
            COALESCE(( SELECT sum(a.amount) AS sum
                   FROM adjustments a
                  WHERE (a.user_name = u.name)), (0)::numeric) AS adjusted,
            COALESCE(( SELECT sum(y.amount) AS sum
                   FROM payments y
                  WHERE (y.user_name = u.name)), (0)::numeric) AS paid_out
           FROM users u) b;

CREATE VIEW payout_reserved AS
 SELECT l.user_name,
    sum(l.amount) AS amount
   FROM (payout_lines l
     JOIN payout_entries e ON (((e.batch = l.batch) AND (e.no = l.entry))))
  WHERE ((e.state = ANY (ARRAY['intended'::text, 'revealed'::text])) AND (NOT ((e.entry_hash, l.user_name) IN ( SELECT p.entry_hash,
            p.user_name
           FROM (payout_entries u
             JOIN payments p ON ((p.entry_hash = u.entry_hash)))
          WHERE (u.state = ANY (ARRAY['intended'::text, 'revealed'::text]))))))
  GROUP BY l.user_name;

CREATE VIEW shown_balances AS
 SELECT user_name,
    payout_address,
    booked,
    adjusted,
    paid_out,
    ((booked + adjusted) - paid_out) AS owed
   FROM ( SELECT u.name AS user_name,
            u.payout_address,
            (COALESCE(s.amount, (0)::numeric) + COALESCE(( SELECT sum(p.amount) AS sum
                   FROM payouts p
                  WHERE ((p.user_name = u.name) AND (p.job > COALESCE(s.through, '-1'::integer)) AND (NOT (p.job IN ( SELECT jobs.height
                           FROM jobs
                          WHERE (jobs.state <> 'sealed'::text)))))), (0)::numeric)) AS booked,
            COALESCE(( SELECT sum(a.amount) AS sum
                   FROM adjustments a
                  WHERE (a.user_name = u.name)), (0)::numeric) AS adjusted,
            COALESCE(( SELECT sum(y.amount) AS sum
                   FROM payments y
                  WHERE (y.user_name = u.name)), (0)::numeric) AS paid_out
           FROM (users u
             LEFT JOIN booked_sums s ON ((s.user_name = u.name)))) b;

CREATE OR REPLACE FUNCTION after_guess(p_empty_at_ms double precision, p_now_ms double precision, p_free integer, p_every_ms double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE
    WHEN p_empty_at_ms > p_now_ms + p_free * p_every_ms THEN p_now_ms + p_every_ms
    WHEN p_empty_at_ms > p_now_ms + (p_free - 1) * p_every_ms THEN NULL
    ELSE greatest(p_empty_at_ms, p_now_ms) + p_every_ms END
$function$
;

CREATE OR REPLACE FUNCTION alert_add(p_user text[], p_kind text[], p_subject text[], p_at timestamp with time zone[], p_since timestamp with time zone[], p_details text[], p_amount numeric[])
 RETURNS void
 LANGUAGE sql
AS $function$
  INSERT INTO alerts AS a (destination, kind, subject, at, since, details, events, amount, due_at)
  SELECT d.id, e.kind, e.subject COLLATE "C", max(e.at), max(e.since), (array_agg(e.details ORDER BY e.no DESC))[1], count(*), sum(e.amount),
    greatest(max(e.at), d.wait_until)
  FROM unnest(p_user, p_kind, p_subject, p_at, p_since, p_details, p_amount) WITH ORDINALITY AS e("user", kind, subject, at, since, details, amount, no)
  JOIN alert_destinations d ON d.user_name = e."user" COLLATE "C" AND e.kind = ANY (d.events) AND d.code IS NULL AND d.paused_at IS NULL
  GROUP BY d.id, e.kind, e.subject ORDER BY d.id, e.kind, e.subject COLLATE "C"
  ON CONFLICT (destination, kind, subject) DO UPDATE SET version = a.version + 1, at = excluded.at, since = excluded.since, details = excluded.details,
    events = CASE WHEN a.due_at IS NULL THEN 0 ELSE a.events END + excluded.events,
    amount = CASE WHEN a.due_at IS NULL THEN 0 ELSE a.amount END + excluded.amount,
    -- A message from the future is of a clock that was set back since.
    due_at = greatest(excluded.due_at, CASE WHEN a.kind IN ('low', 'offline', 'recovered', 'refused', 'block') AND a.told_at <= excluded.at + interval '1 day'
      THEN a.told_at + (SELECT d.every_minutes * interval '1 minute' FROM alert_destinations d WHERE d.id = a.destination) END);
$function$
;

CREATE OR REPLACE FUNCTION alert_address()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
  v_hold text := (SELECT format(' %s %s', floor(extract(epoch FROM h.held_until)), h.code) FROM address_holds h
    WHERE h.user_name = NEW.name AND h.held_until > now());
BEGIN
  PERFORM alert_add(ARRAY[NEW.name], ARRAY['address'::text], ARRAY[''::text], ARRAY[now()], ARRAY[NULL::timestamptz],
    ARRAY[coalesce(NEW.payout_address, '') || coalesce(v_hold, '')], ARRAY[0::numeric]);
  RETURN NULL;
END $function$
;

CREATE OR REPLACE FUNCTION alert_block()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  PERFORM alert_add(array_agg(p.user_name), array_agg('block'::text), array_agg(''::text), array_agg(NEW.sealed_at), array_agg(NULL::timestamptz),
    array_agg(NEW.height::text), array_agg(p.amount::numeric))
    FROM payouts p WHERE p.job = NEW.height AND p.attempt = NEW.attempt AND p.amount > 0
      AND EXISTS (SELECT 1 FROM alert_destinations d WHERE d.user_name = p.user_name AND 'block' = ANY (d.events));
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'a block is sealed, and nobody is told: %', SQLERRM;
  RETURN NULL;
END $function$
;

CREATE OR REPLACE FUNCTION alert_payments()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  PERFORM alert_add(array_agg(p.user_name), array_agg('payment'::text), array_agg(''::text), array_agg(p.at), array_agg(NULL::timestamptz),
    array_agg(p.entry_hash), array_agg(p.amount::numeric)) FROM paid p;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'a payment is booked, and nobody is told: %', SQLERRM;
  RETURN NULL;
END $function$
;

CREATE OR REPLACE FUNCTION alert_refused(p_now timestamp with time zone, p_part double precision, p_least integer)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  SELECT alert_add(array_agg(r.user_name), array_agg('refused'::text), array_agg(r.worker), array_agg(p_now), array_agg(NULL::timestamptz),
    array_agg(r.rejected || ' of ' || (r.rejected + r.shares)), array_agg(0::numeric))
  FROM (
    SELECT h.user_name, h.worker, sum(h.shares) AS shares, sum(h.rejected) AS rejected FROM worker_hours h
    WHERE h.user_name IN (SELECT d.user_name FROM alert_destinations d WHERE 'refused' = ANY (d.events)) AND h.worker <> '(other rigs)'
      AND h.hour >= date_trunc('hour', p_now) - interval '1 hour'
    GROUP BY h.user_name, h.worker HAVING sum(h.rejected) >= p_least AND sum(h.rejected) > p_part * sum(h.rejected + h.shares)) r
  WHERE NOT EXISTS (SELECT 1 FROM alerts a JOIN alert_destinations d ON d.id = a.destination
    WHERE d.user_name = r.user_name AND a.kind = 'refused' AND a.subject = r.worker AND (a.due_at IS NOT NULL OR a.told_at > p_now - interval '1 day'));
$function$
;

CREATE OR REPLACE FUNCTION alert_workers()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET enable_nestloop TO 'off'
AS $function$
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
END $function$
;

CREATE OR REPLACE FUNCTION archive_file_added()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$
;

CREATE OR REPLACE FUNCTION books_adjust(p_adjustment text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
DECLARE
  a jsonb := p_adjustment::jsonb;
  v_id bigint;
  v_same boolean;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM users WHERE name = a ->> 'user') THEN RETURN jsonb_build_object('outcome', 'unknown-user'); END IF;
  INSERT INTO adjustments (user_name, amount, reason, made_by, request_id)
    VALUES (a ->> 'user', (a ->> 'amount')::bigint, a ->> 'reason', a ->> 'madeBy', a ->> 'requestId')
    ON CONFLICT (request_id) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN
    SELECT id, (user_name, amount, reason) = (a ->> 'user', (a ->> 'amount')::bigint, a ->> 'reason') INTO v_id, v_same
      FROM adjustments WHERE request_id = a ->> 'requestId';
    RETURN CASE WHEN v_same THEN jsonb_build_object('outcome', 'known', 'id', v_id::text) ELSE jsonb_build_object('outcome', 'conflict') END;
  END IF;
  INSERT INTO admin_log (actor, action, subject, details)
    VALUES (a ->> 'madeBy', 'adjust', a ->> 'user', jsonb_build_object('id', v_id::text, 'amount', a ->> 'amount', 'reason', a ->> 'reason'));
  RETURN jsonb_build_object('outcome', 'added', 'id', v_id::text);
END $function$
;

CREATE OR REPLACE FUNCTION books_apply_close(p_job integer, p_slot integer, p_epoch bigint, p_last_seq integer)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_stored integer;
BEGIN
  INSERT INTO close_markers (job, slot, epoch, last_seq) VALUES (p_job, p_slot, p_epoch, p_last_seq) ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN 'applied'; END IF;
  SELECT last_seq INTO v_stored FROM close_markers WHERE job = p_job AND slot = p_slot AND epoch = p_epoch;
  RETURN CASE WHEN v_stored = p_last_seq THEN 'dup' ELSE 'conflict' END;
END $function$
;

CREATE OR REPLACE FUNCTION books_apply_delta(p_body text, p_most integer DEFAULT 4096, p_new integer DEFAULT 16)
 RETURNS text
 LANGUAGE sql
AS $function$
  SELECT (books_apply_deltas((p_body::jsonb ->> 'job')::numeric::integer, p_body, p_most, p_new)::jsonb -> 0)::text;
$function$
;

CREATE OR REPLACE FUNCTION books_apply_deltas(p_job integer, p_bodies text, p_most integer, p_new integer)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_state text;
  v_credit text;
  v_into integer;
  v_into_credit text;
  -- The deltas, by their place in the batch from 1.
  v_bodies text[];
  v_docs jsonb[];
  v_slots smallint[];
  v_epochs bigint[];
  v_seqs integer[];
  v_shas text[];
  v_strangers text[];  -- the first user without an account, null where all have one
  v_minutes timestamptz[];
  v_ends timestamptz[];
  v_fresh boolean[];   -- inserted here, not a duplicate
  -- The keys of those that were inserted.
  a_slots smallint[];
  a_epochs bigint[];
  a_seqs integer[];
  -- Their rows: the delta's place, and the place in it from 0.
  r_no integer[];
  r_place integer[];
  r_user text[];
  r_worker text[];
  r_shares numeric[];
  r_work numeric[];
  r_best numeric[];
  r_rejected numeric[];
  r_judged numeric[];
  r_sent numeric[];
  r_folded boolean[];
  r_dropped boolean[];
  -- Sums by worker and minute.
  m_user text[];
  m_worker text[];
  m_minute timestamptz[];
  m_shares numeric[];
  m_work numeric[];
  m_rejected numeric[];
  m_own boolean[];     -- its owner has confirmed it
  m_best numeric[];
  m_last timestamptz[]; -- the end of the last window with an accepted share
  v_rows jsonb;
  v_plain boolean;
  v_folded integer[];
  v_dropped integer[];
  v_unknown text[];
BEGIN
  SELECT array_agg(b.body ORDER BY b.no) INTO v_bodies FROM string_to_table(p_bodies, E'\x1e') WITH ORDINALITY AS b(body, no);
  -- The share lock keeps the sealer from freezing the sums under us; it is taken before anything is written.
  SELECT state, credit INTO v_state, v_credit FROM jobs WHERE height = p_job FOR SHARE;
  IF NOT FOUND THEN
    RETURN (SELECT jsonb_agg(jsonb_build_object('outcome', 'unknown-job')) FROM unnest(v_bodies));
  END IF;
  v_docs := v_bodies::jsonb[];
  SELECT array_agg((m.d ->> 'slot')::numeric::smallint ORDER BY m.no), array_agg((m.d ->> 'epoch')::numeric::bigint ORDER BY m.no),
      array_agg((m.d ->> 'seq')::numeric::integer ORDER BY m.no), array_agg(encode(sha256(convert_to(m.body, 'UTF8')), 'hex') ORDER BY m.no),
      array_agg(date_trunc('minute', to_timestamp((m.d ->> 'fromMs')::numeric / 1000), 'UTC') ORDER BY m.no),
      array_agg(to_timestamp((m.d ->> 'toMs')::numeric / 1000) ORDER BY m.no)
    INTO v_slots, v_epochs, v_seqs, v_shas, v_minutes, v_ends FROM unnest(v_docs, v_bodies) WITH ORDINALITY AS m(d, body, no);
  IF EXISTS (SELECT 1 FROM unnest(v_docs) AS m(d) WHERE (m.d ->> 'job')::numeric IS DISTINCT FROM p_job) THEN
    RAISE EXCEPTION 'a batch of job % has a delta of another job', p_job;
  END IF;
  SELECT array_agg(m.no), array_agg(r.place - 1), array_agg(r."user"), array_agg(r.worker), array_agg(r.shares), array_agg(r.work), array_agg(r.best),
      array_agg(r.rejected), array_agg(r.judged), array_agg(r.sent)
    INTO r_no, r_place, r_user, r_worker, r_shares, r_work, r_best, r_rejected, r_judged, r_sent
    FROM unnest(v_docs) WITH ORDINALITY AS m(d, no), ROWS FROM (jsonb_to_recordset(m.d -> 'rows') AS ("user" text, worker text,
      shares numeric, work numeric, best numeric, rejected numeric, judged numeric, sent numeric)) WITH ORDINALITY
      AS r("user", worker, shares, work, best, rejected, judged, sent, place);
  SELECT array_agg(s.name) INTO v_unknown FROM (SELECT DISTINCT u.name FROM unnest(r_user) AS u(name)) s
    WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.name = s.name);
  IF v_unknown IS NOT NULL THEN
    SELECT array_agg((SELECT min(r."user" COLLATE "C") FROM unnest(r_no, r_user) AS r(no, "user") WHERE r.no = m.no AND r."user" = ANY (v_unknown))
      ORDER BY m.no) INTO v_strangers FROM generate_subscripts(v_docs, 1) AS m(no);
  END IF;
  IF v_state = 'open' THEN
    v_into := p_job;
    v_into_credit := v_credit;
  ELSE
    -- Late. A job that closes while we wait for it is passed over; with none open the work stays parked (books_unpark).
    SELECT height, credit INTO v_into, v_into_credit FROM jobs WHERE state = 'open' AND height > p_job ORDER BY height LIMIT 1 FOR SHARE;
  END IF;
  -- Every worker has sums in the job already: no name is to be decided, so the deltas can be inserted as they stay.
  v_plain := v_into IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM (SELECT DISTINCT r."user", r.worker FROM unnest(r_user, r_worker, r_shares) AS r("user", worker, shares)
      WHERE r.shares = 0 OR r.worker <> '(other rigs)') n
    WHERE NOT EXISTS (SELECT 1 FROM work w WHERE w.job = v_into AND w.user_name = n."user" AND w.worker = n.worker));
  PERFORM set_config('books.tallies', 'added', true);
  -- The first of those with one key counts, in order of the keys: two batches with the same deltas wait for each other at the first.
  WITH given AS (
    SELECT DISTINCT ON (m.slot, m.epoch, m.seq) m.* FROM unnest(v_slots, v_epochs, v_seqs, v_shas, v_bodies, v_strangers)
      WITH ORDINALITY AS m(slot, epoch, seq, sha, body, stranger, no)
    WHERE m.stranger IS NULL ORDER BY m.slot, m.epoch, m.seq, m.no
  ), added AS (
    INSERT INTO deltas (job, slot, epoch, seq, sha256, body, into_job, folded, dropped)
      SELECT p_job, g.slot, g.epoch, g.seq, g.sha, g.body, CASE WHEN v_plain THEN v_into END, CASE WHEN v_plain THEN '{}'::integer[] END,
        CASE WHEN v_plain THEN '{}'::integer[] END
      FROM given g ORDER BY g.slot, g.epoch, g.seq ON CONFLICT DO NOTHING RETURNING slot, epoch, seq
  )
  SELECT array_agg(a.slot), array_agg(a.epoch), array_agg(a.seq) INTO a_slots, a_epochs, a_seqs FROM added a;
  PERFORM set_config('books.tallies', '', true);
  IF cardinality(a_seqs) = cardinality(v_docs) THEN
    v_fresh := array_fill(true, ARRAY[cardinality(v_docs)]);
  ELSE
    SELECT array_agg(a.seq IS NOT NULL ORDER BY m.no) INTO v_fresh FROM (
      SELECT m.no, m.slot, m.epoch, m.seq, m.stranger IS NULL
        AND row_number() OVER (PARTITION BY m.slot, m.epoch, m.seq, m.stranger IS NULL ORDER BY m.no) = 1 AS is_first
      FROM unnest(v_slots, v_epochs, v_seqs, v_strangers) WITH ORDINALITY AS m(slot, epoch, seq, stranger, no)) m
      LEFT JOIN unnest(a_slots, a_epochs, a_seqs) AS a(slot, epoch, seq)
        ON m.is_first AND a.slot = m.slot AND a.epoch = m.epoch AND a.seq = m.seq;
    -- Only their rows count from here on.
    SELECT array_agg(r.no), array_agg(r.place), array_agg(r."user"), array_agg(r.worker), array_agg(r.shares), array_agg(r.work), array_agg(r.best),
        array_agg(r.rejected), array_agg(r.judged), array_agg(r.sent)
      INTO r_no, r_place, r_user, r_worker, r_shares, r_work, r_best, r_rejected, r_judged, r_sent
      FROM unnest(r_no, r_place, r_user, r_worker, r_shares, r_work, r_best, r_rejected, r_judged, r_sent)
        AS r(no, place, "user", worker, shares, work, best, rejected, judged, sent) WHERE v_fresh[r.no];
  END IF;
  IF true = ANY (v_fresh) THEN
    INSERT INTO tallies AS t (job, user_name, judged, sent)
      SELECT p_job, r."user", sum(r.judged), sum(COALESCE(r.sent, 0))
      FROM (SELECT r."user" COLLATE "C" AS "user", r.judged, r.sent FROM unnest(r_no, r_user, r_judged, r_sent) AS r(no, "user", judged, sent)
        WHERE r.judged > 0) r
      GROUP BY r."user" ORDER BY r."user"
      ON CONFLICT (job, user_name) DO UPDATE SET judged = t.judged + excluded.judged, sent = t.sent + excluded.sent;
    IF v_into IS NOT NULL AND NOT v_plain THEN
      -- The names of the whole batch are decided at once, as if it were one delta; then every delta gets its own record of it.
      SELECT jsonb_agg(jsonb_build_object('user', r."user", 'worker', r.worker, 'shares', r.shares) ORDER BY r.at) INTO v_rows
        FROM unnest(r_user, r_worker, r_shares) WITH ORDINALITY AS r("user", worker, shares, at);
      v_folded := books_fold(v_into, v_rows, p_most, p_new);
      v_dropped := books_drop(v_into, v_rows);
      SELECT array_agg(r.at - 1 = ANY (v_folded) ORDER BY r.at), array_agg(r.at - 1 = ANY (v_dropped) ORDER BY r.at)
        INTO r_folded, r_dropped FROM generate_subscripts(r_no, 1) AS r(at);
      UPDATE deltas d SET into_job = v_into, folded = COALESCE(n.folded, '{}'), dropped = COALESCE(n.dropped, '{}')
        FROM (SELECT r.no, array_agg(r.place ORDER BY r.place) FILTER (WHERE r.folded) AS folded, array_agg(r.place ORDER BY r.place) FILTER (WHERE r.dropped) AS dropped
          FROM unnest(r_no, r_place, r_folded, r_dropped) AS r(no, place, folded, dropped) GROUP BY r.no) n
        WHERE d.job = p_job AND d.slot = v_slots[n.no] AND d.epoch = v_epochs[n.no] AND d.seq = v_seqs[n.no];
    END IF;
    IF v_into IS NOT NULL THEN
      -- Work of another job is late: it counts, but is not a best of this job. Its unit is changed delta by delta, as the replay does it.
      INSERT INTO work AS w (job, user_name, worker, shares, work, best, rejected, late_shares)
        SELECT v_into, r."user", r.worker, sum(r.shares), sum(r.work), CASE WHEN v_into = p_job THEN max(r.best) ELSE 0 END, sum(r.rejected),
          CASE WHEN v_into = p_job THEN 0 ELSE sum(r.shares) END
        FROM (
          SELECT r."user" COLLATE "C" AS "user", CASE WHEN r.folded THEN '(other rigs)' ELSE r.worker END COLLATE "C" AS worker,
            sum(r.shares) AS shares, books_in_unit(sum(r.work), v_credit, v_into_credit) AS work, max(r.best) AS best, sum(r.rejected) AS rejected
          FROM unnest(r_no, r_user, r_worker, r_shares, r_work, r_best, r_rejected, r_folded, r_dropped)
            AS r(no, "user", worker, shares, work, best, rejected, folded, dropped)
          WHERE r.dropped IS NOT TRUE
          GROUP BY CASE WHEN v_credit <> v_into_credit THEN r.no END, 1, 2) r
        GROUP BY r."user", r.worker ORDER BY r."user", r.worker
        ON CONFLICT (job, user_name, worker) DO UPDATE SET
          shares = w.shares + excluded.shares, work = w.work + excluded.work, best = greatest(w.best, excluded.best),
          rejected = w.rejected + excluded.rejected, late_shares = w.late_shares + excluded.late_shares;
    END IF;
    -- A minute's row is a name's own only where the name stands; one of refused shares alone is the user's.
    SELECT array_agg(r."user"), array_agg(r.worker), array_agg(r.minute), array_agg(r.shares), array_agg(r.work), array_agg(r.rejected),
        array_agg(r.own), array_agg(r.best), array_agg(r.last)
      INTO m_user, m_worker, m_minute, m_shares, m_work, m_rejected, m_own, m_best, m_last FROM (
        SELECT r."user", r.worker, r.minute, sum(r.shares) AS shares, sum(r.work) AS work, sum(r.rejected) AS rejected,
          bool_or(r.own) AS own, max(r.best) AS best, max(r.last) AS last
        FROM (
          SELECT r."user" COLLATE "C" AS "user", CASE WHEN k.worker IS NULL OR r.folded THEN '(other rigs)' ELSE k.worker END COLLATE "C" AS worker,
            v_minutes[r.no] AS minute, sum(r.shares) AS shares, books_in_unit(sum(r.work), v_credit, 'assigned') AS work, sum(r.rejected) AS rejected,
            bool_or(k.state = 'own' AND r.folded IS NOT TRUE) AS own, max(r.best) AS best, max(v_ends[r.no]) FILTER (WHERE r.shares > 0) AS last
          FROM unnest(r_no, r_user, r_worker, r_shares, r_work, r_rejected, r_best, r_folded)
            AS r(no, "user", worker, shares, work, rejected, best, folded)
          LEFT JOIN workers k ON k.user_name = r."user" AND k.worker = r.worker AND k.state <> 'waiting'
          GROUP BY CASE WHEN v_credit <> 'assigned' THEN r.no END, 1, 2, 3) r
        GROUP BY r."user", r.worker, r.minute ORDER BY r."user", r.worker, r.minute) r;
    INSERT INTO worker_minutes AS m (user_name, worker, minute, shares, work, rejected)
      SELECT * FROM unnest(m_user, m_worker, m_minute, m_shares, m_work, m_rejected)
      ON CONFLICT (user_name, worker, minute) DO UPDATE SET
        shares = m.shares + excluded.shares, work = m.work + excluded.work, rejected = m.rejected + excluded.rejected;
    -- Most are seen in this minute already. One seen in the future, by a clock that was set back since, is seen anew.
    INSERT INTO workers_seen AS s (user_name, worker, minute)
      SELECT r."user", r.worker, max(r.minute) FROM unnest(m_user, m_worker, m_minute, m_shares) AS r("user", worker, minute, shares)
      WHERE r.shares > 0 AND NOT EXISTS (SELECT 1 FROM workers_seen k WHERE k.user_name = r."user" AND k.worker = r.worker
        AND k.minute >= r.minute AND k.minute <= now())
      GROUP BY r."user", r.worker ORDER BY r."user" COLLATE "C", r.worker COLLATE "C"
      ON CONFLICT (user_name, worker) DO UPDATE SET minute = excluded.minute WHERE s.minute < excluded.minute OR s.minute > now();
    INSERT INTO worker_hours AS h (user_name, worker, hour, shares, work, rejected)
      SELECT r."user", r.worker, date_trunc('hour', r.minute, 'UTC'), sum(r.shares), sum(r.work), sum(r.rejected)
      FROM unnest(m_user, m_worker, m_minute, m_shares, m_work, m_rejected) AS r("user", worker, minute, shares, work, rejected)
      GROUP BY 1, 2, 3 ORDER BY r."user" COLLATE "C", r.worker COLLATE "C", 3
      ON CONFLICT (user_name, worker, hour) DO UPDATE SET
        shares = h.shares + excluded.shares, work = h.work + excluded.work, rejected = h.rejected + excluded.rejected;
    PERFORM worker_status_add(p_job, m_user, m_worker, m_shares, m_work, m_best, m_last);
    INSERT INTO user_minutes AS m (user_name, minute, shares, work, rejected, own_shares, own_rejected)
      SELECT r."user", r.minute, sum(r.shares), sum(r.work), sum(r.rejected),
        COALESCE(sum(r.shares) FILTER (WHERE r.own), 0), COALESCE(sum(r.rejected) FILTER (WHERE r.own), 0)
      FROM unnest(m_user, m_minute, m_shares, m_work, m_rejected, m_own) AS r("user", minute, shares, work, rejected, own)
      GROUP BY 1, 2 ORDER BY r."user" COLLATE "C", 2
      ON CONFLICT (user_name, minute) DO UPDATE SET
        shares = m.shares + excluded.shares, work = m.work + excluded.work, rejected = m.rejected + excluded.rejected,
        own_shares = m.own_shares + excluded.own_shares, own_rejected = m.own_rejected + excluded.own_rejected;
    INSERT INTO pool_minutes AS m (minute, shares, work, rejected)
      SELECT r.minute, sum(r.shares), sum(r.work), sum(r.rejected)
      FROM unnest(m_minute, m_shares, m_work, m_rejected) AS r(minute, shares, work, rejected) GROUP BY r.minute ORDER BY r.minute
      ON CONFLICT (minute) DO UPDATE SET shares = m.shares + excluded.shares, work = m.work + excluded.work, rejected = m.rejected + excluded.rejected;
  END IF;
  RETURN (
    SELECT jsonb_agg(CASE
      WHEN v_fresh[m.no] THEN jsonb_build_object('outcome', 'applied', 'intoJob', v_into, 'beyondMarker', EXISTS (
        SELECT 1 FROM close_markers c WHERE c.job = p_job AND c.slot = m.slot AND c.epoch = m.epoch AND c.last_seq < m.seq))
      WHEN m.stranger IS NOT NULL THEN jsonb_build_object('outcome', 'unknown-user', 'user', m.stranger)
      WHEN EXISTS (SELECT 1 FROM deltas d WHERE d.job = p_job AND d.slot = m.slot AND d.epoch = m.epoch AND d.seq = m.seq AND d.sha256 = m.sha)
        THEN jsonb_build_object('outcome', 'dup')
      ELSE jsonb_build_object('outcome', 'conflict') END ORDER BY m.no)
    FROM unnest(v_slots, v_epochs, v_seqs, v_shas, v_strangers) WITH ORDINALITY AS m(slot, epoch, seq, sha, stranger, no));
END $function$
;

CREATE OR REPLACE FUNCTION books_close(p_height integer, p_forced boolean)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_state text;
BEGIN
  -- Against the trigger on new jobs: no job may appear below one that is closed.
  PERFORM pg_advisory_xact_lock(7202001);
  IF EXISTS (SELECT 1 FROM jobs WHERE height < p_height AND state <> 'sealed')
    OR NOT EXISTS (SELECT 1 FROM blocks WHERE height = p_height) THEN RETURN NULL; END IF;
  SELECT state INTO v_state FROM jobs WHERE height = p_height FOR NO KEY UPDATE;
  IF v_state = 'open' THEN
    -- The books begin with the first job: what was won before it is not ours to book.
    INSERT INTO jobless_rewards (height, reward, into_job)
      SELECT b.height, b.reward, p_height FROM blocks b
      WHERE b.height < p_height AND b.height > (SELECT min(height) FROM jobs) AND b.reward > 0
        AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.height = b.height)
      ON CONFLICT DO NOTHING;
    UPDATE jobs SET state = 'closing', forced = p_forced WHERE height = p_height;
  END IF;
  RETURN books_frozen(p_height);
END $function$
;

CREATE OR REPLACE FUNCTION books_credit(p_into integer, p_job integer, p_rows jsonb, p_folded integer[], p_dropped integer[])
 RETURNS void
 LANGUAGE sql
AS $function$
  INSERT INTO work AS w (job, user_name, worker, shares, work, best, rejected, late_shares)
  SELECT p_into, r."user", r.worker, sum(r.shares),
    books_in_unit(sum(r.work), (SELECT credit FROM jobs WHERE height = p_job), (SELECT credit FROM jobs WHERE height = p_into)),
    CASE WHEN p_into = p_job THEN max(r.best) ELSE 0 END, sum(r.rejected),
    CASE WHEN p_into = p_job THEN 0 ELSE sum(r.shares) END
  FROM (
    SELECT e.row ->> 'user' COLLATE "C" AS "user",
      CASE WHEN e.place - 1 = ANY (p_folded) THEN '(other rigs)' ELSE e.row ->> 'worker' END COLLATE "C" AS worker,
      (e.row ->> 'shares')::numeric AS shares, (e.row ->> 'work')::numeric AS work, (e.row ->> 'best')::numeric AS best,
      (e.row ->> 'rejected')::numeric AS rejected
    FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS e(row, place) WHERE e.place - 1 <> ALL (p_dropped)) r
  GROUP BY r."user", r.worker
  ORDER BY r."user", r.worker
  ON CONFLICT (job, user_name, worker) DO UPDATE SET
    shares = w.shares + excluded.shares, work = w.work + excluded.work, best = greatest(w.best, excluded.best),
    rejected = w.rejected + excluded.rejected, late_shares = w.late_shares + excluded.late_shares;
$function$
;

CREATE OR REPLACE FUNCTION books_deltas_of(p_height integer)
 RETURNS SETOF deltas
 LANGUAGE sql
 STABLE
AS $function$
  SELECT * FROM deltas WHERE job = p_height AND into_job = p_height
  UNION ALL
  SELECT * FROM deltas WHERE into_job = p_height AND into_job <> job;
$function$
;

CREATE OR REPLACE FUNCTION books_draft(p_height integer, p_attempt text, p_rows text)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM 1 FROM jobs WHERE height = p_height AND state = 'closing' FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO payouts (job, attempt, user_name, shares, work, amount, rejected)
    SELECT p_height, p_attempt, r."user", r.shares, r.work, r.amount,
      (SELECT COALESCE(sum(w.rejected), 0) FROM work w WHERE w.job = p_height AND w.user_name = r."user")
    FROM jsonb_to_recordset(p_rows::jsonb) AS r("user" text, shares numeric, work numeric, amount numeric)
    ON CONFLICT DO NOTHING;
  RETURN true;
END $function$
;

CREATE OR REPLACE FUNCTION books_drop(p_into integer, p_rows jsonb)
 RETURNS integer[]
 LANGUAGE sql
AS $function$
  SELECT ARRAY(SELECT (e.place - 1)::integer FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS e(row, place)
    WHERE (e.row ->> 'shares')::numeric = 0 AND NOT EXISTS (
      SELECT 1 FROM work w WHERE w.job = p_into AND w.user_name = e.row ->> 'user' AND w.worker = e.row ->> 'worker')
    ORDER BY 1);
$function$
;

CREATE OR REPLACE FUNCTION books_fold(p_into integer, p_rows jsonb, p_most integer, p_new integer)
 RETURNS integer[]
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_folded integer[] := '{}';
  v_user text;
  v_room integer;
  v_left integer;
  v_waiting integer;
  r record;
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM jsonb_to_recordset(p_rows) AS m("user" text COLLATE "C", worker text COLLATE "C", shares numeric)
    WHERE m.shares > 0 AND m.worker <> '(other rigs)'
      AND NOT EXISTS (SELECT 1 FROM work w WHERE w.job = p_into AND w.user_name = m."user" AND w.worker = m.worker))
  THEN RETURN v_folded; END IF;
  -- One delta with new names at a time: what is counted here cannot change until it is booked. Taken after the job and the delta, before
  -- any row of workers, work or worker_minutes.
  PERFORM pg_advisory_xact_lock(7202056);
  FOR r IN
    SELECT m."user", m.worker, m.places, k.state FROM (
      SELECT e.row ->> 'user' COLLATE "C" AS "user", e.row ->> 'worker' COLLATE "C" AS worker, array_agg((e.place - 1)::integer ORDER BY e.place) AS places
      FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS e(row, place) WHERE (e.row ->> 'shares')::numeric > 0 GROUP BY 1, 2) m
    LEFT JOIN workers k ON k.user_name = m."user" AND k.worker = m.worker
    WHERE m.worker <> '(other rigs)'
      AND NOT EXISTS (SELECT 1 FROM work w WHERE w.job = p_into AND w.user_name = m."user" AND w.worker = m.worker)
    ORDER BY m."user", CASE k.state WHEN 'own' THEN 0 WHEN 'new' THEN 1 ELSE 2 END, m.worker
  LOOP
    IF r."user" IS DISTINCT FROM v_user THEN
      v_user := r."user";
      v_waiting := 0;
      SELECT p_most - count(*) INTO v_room FROM work WHERE job = p_into AND user_name = v_user AND worker <> '(other rigs)';
      SELECT least(p_new, greatest(p_most / 4, 1)) - count(*) INTO v_left FROM workers
        WHERE user_name = v_user AND state = 'new' AND since > now() - interval '24 hours';
    END IF;
    IF v_room > 0 AND r.state IN ('own', 'new') THEN
      v_room := v_room - 1;
    ELSIF v_room > 0 AND v_left > 0 THEN
      PERFORM workers_let_in(v_user, r.worker, p_most);
      v_room := v_room - 1;
      v_left := v_left - 1;
    ELSE
      v_folded := v_folded || r.places;
      IF v_waiting < 64 AND r.state IS DISTINCT FROM 'own' AND r.state IS DISTINCT FROM 'new' THEN
        PERFORM workers_wait(v_user, r.worker);
        v_waiting := v_waiting + 1;
      END IF;
    END IF;
  END LOOP;
  RETURN ARRAY(SELECT unnest(v_folded) ORDER BY 1);
END $function$
;

CREATE OR REPLACE FUNCTION books_frozen(p_height integer)
 RETURNS jsonb
 LANGUAGE sql
AS $function$
  SELECT jsonb_build_object(
    'state', j.state, 'forced', COALESCE(j.forced, false), 'split', j.split, 'rate', (j.fee_rate * 100000000)::bigint::text,
    'reward', b.reward::text, 'winning', b.winning,
    'carriedIn', (COALESCE((SELECT p.carried FROM jobs p WHERE p.state = 'sealed' AND p.height < p_height ORDER BY p.height DESC LIMIT 1), 0)
      + COALESCE((SELECT sum(r.reward) FROM jobless_rewards r WHERE r.into_job = p_height), 0))::text,
    'leaves', s.leaves, 'users', s.users, 'shares', s.shares::text, 'work', s.work::text)
  FROM jobs j JOIN blocks b ON b.height = j.height, LATERAL (
    SELECT count(*) AS leaves, count(DISTINCT w.user_name) AS users, COALESCE(sum(w.shares), 0) AS shares, COALESCE(sum(w.work), 0) AS work
    FROM work w WHERE w.job = j.height) s
  WHERE j.height = p_height;
$function$
;

CREATE OR REPLACE FUNCTION books_in_unit(p_work numeric, p_from text, p_to text)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE WHEN p_from = p_to THEN p_work
    WHEN p_from = 'assigned' THEN p_work * 281474976710656
    ELSE greatest(floor(p_work / 281474976710656), least(p_work, 1)) END;
$function$
;

CREATE OR REPLACE FUNCTION books_new_job()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7202001);
  IF NEW.state <> 'open' THEN RAISE EXCEPTION 'job % must begin open', NEW.height USING ERRCODE = 'BK001'; END IF;
  -- An existing row is left to the statement's own conflict clause.
  IF NOT EXISTS (SELECT 1 FROM jobs WHERE height = NEW.height)
    AND EXISTS (SELECT 1 FROM jobs WHERE height > NEW.height AND state <> 'open') THEN
    RAISE EXCEPTION 'job % is too late: the books are closed up to %', NEW.height,
      (SELECT max(height) FROM jobs WHERE state <> 'open') USING ERRCODE = 'BK001';
  END IF;
  RETURN NEW;
END $function$
;

CREATE OR REPLACE FUNCTION books_only_while()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_job integer;
BEGIN
  SELECT c.job INTO v_job FROM (SELECT DISTINCT r.job FROM changed r) c
    WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.height = c.job AND j.state = TG_ARGV[0]) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'job % is not %: % of % is refused', v_job, TG_ARGV[0], TG_OP, TG_TABLE_NAME USING ERRCODE = 'BK001';
  END IF;
  RETURN NULL;
END $function$
;

CREATE OR REPLACE FUNCTION books_record(p_receipt text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_lines jsonb := p_receipt::jsonb;
  v_known integer;
  v_booked integer;
  v_entry text;
  v_bad record;
BEGIN
  -- One receipt at a time: what is owed must not be paid from twice.
  PERFORM pg_advisory_xact_lock(7202002);
  WITH r AS (SELECT * FROM jsonb_to_recordset(v_lines) AS r("entryHash" text, "user" text, address text, amount bigint)),
    known AS (SELECT entry_hash AS "entryHash", user_name AS "user", address, amount FROM payments
      WHERE entry_hash IN (SELECT "entryHash" FROM r)),
    again AS (SELECT * FROM r WHERE "entryHash" IN (SELECT "entryHash" FROM known))
  SELECT min("entryHash"), (SELECT count(DISTINCT "entryHash") FROM known) INTO v_entry, v_known
    FROM ((SELECT * FROM again EXCEPT SELECT * FROM known) UNION ALL (SELECT * FROM known EXCEPT SELECT * FROM again)) differing;
  IF v_entry IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'conflict', 'entryHash', v_entry); END IF;
  SELECT jsonb_agg(e) INTO v_lines FROM jsonb_array_elements(v_lines) e
    WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.entry_hash = e ->> 'entryHash');
  v_lines := COALESCE(v_lines, '[]');
  SELECT r."user", b.owed, sum(r.amount) AS amount INTO v_bad
    FROM jsonb_to_recordset(v_lines) AS r("user" text COLLATE "C", amount bigint)
    LEFT JOIN balances b ON b.user_name = r."user"
    GROUP BY r."user", b.owed HAVING b.owed IS NULL OR sum(r.amount) > b.owed ORDER BY r."user" LIMIT 1;
  IF FOUND AND v_bad.owed IS NULL THEN RETURN jsonb_build_object('outcome', 'unknown-user', 'user', v_bad."user"); END IF;
  IF FOUND THEN
    RETURN jsonb_build_object('outcome', 'exceeds', 'user', v_bad."user", 'owed', v_bad.owed::text, 'amount', v_bad.amount::text);
  END IF;
  INSERT INTO payments (entry_hash, user_name, address, amount)
    SELECT r."entryHash", r."user", r.address, r.amount
    FROM jsonb_to_recordset(v_lines) AS r("entryHash" text, "user" text, address text, amount bigint)
    ORDER BY r."entryHash", r."user" COLLATE "C";
  SELECT count(DISTINCT e ->> 'entryHash') INTO v_booked FROM jsonb_array_elements(v_lines) e;
  RETURN jsonb_build_object('outcome', 'recorded', 'booked', v_booked, 'known', v_known);
END $function$
;

CREATE OR REPLACE FUNCTION books_refuse()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'the books are append-only: % of % is refused; correct money by an adjustment', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'BK001';
END $function$
;

CREATE OR REPLACE FUNCTION books_seal(p_height integer, p_attempt text, p_seal text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
DECLARE
  s jsonb := p_seal::jsonb;
  f jsonb;
  d record;
  v_state text;
  v_reward numeric;
  v_carried_in numeric;
  v_fee numeric := (s ->> 'fee')::numeric;
  v_paid numeric := (s ->> 'paid')::numeric;
  v_carried numeric := (s ->> 'carried')::numeric;
BEGIN
  SELECT state INTO v_state FROM jobs WHERE height = p_height FOR NO KEY UPDATE;
  IF v_state = 'sealed' THEN RETURN 'already'; END IF;
  IF v_state IS DISTINCT FROM 'closing' THEN RETURN 'open'; END IF;
  f := books_frozen(p_height);
  v_reward := (f ->> 'reward')::numeric;
  v_carried_in := (f ->> 'carriedIn')::numeric;
  SELECT count(*) AS users, COALESCE(sum(shares), 0) AS shares, COALESCE(sum(work), 0) AS work, COALESCE(sum(amount), 0) AS amount
    INTO d FROM payouts WHERE job = p_height AND attempt = p_attempt;
  IF (s ->> 'leaves')::bigint <> (f ->> 'leaves')::bigint OR d.users <> (f ->> 'users')::bigint
    OR d.shares <> (f ->> 'shares')::numeric OR d.work <> (f ->> 'work')::numeric
    OR d.amount <> v_paid OR v_fee <> floor(v_reward * (f ->> 'rate')::numeric / 100000000) OR v_carried < 0
    OR v_fee + v_paid + v_carried <> v_reward + v_carried_in
    OR (v_carried > 0 AND d.work > 0 AND f ->> 'split' <> 'reference')
    OR EXISTS (
      SELECT 1 FROM (SELECT user_name, sum(shares) AS shares, sum(work) AS work FROM work WHERE job = p_height GROUP BY user_name) w
      FULL JOIN (SELECT user_name, shares, work FROM payouts WHERE job = p_height AND attempt = p_attempt) p USING (user_name)
      WHERE w.shares IS DISTINCT FROM p.shares OR w.work IS DISTINCT FROM p.work)
  THEN
    RAISE EXCEPTION 'seal of job %: attempt % does not agree with the frozen books: frozen %, drafts %, seal %',
      p_height, p_attempt, f, to_jsonb(d), s USING ERRCODE = 'BK002';
  END IF;
  DELETE FROM payouts WHERE job = p_height AND attempt <> p_attempt;
  UPDATE jobs SET state = 'sealed', attempt = p_attempt, sealed_at = to_timestamp((s ->> 'atMs')::numeric / 1000),
    winning = (f ->> 'winning')::integer, shares = (f ->> 'shares')::numeric, work = (f ->> 'work')::numeric,
    reward = v_reward, carried_in = v_carried_in, fee = v_fee, paid = v_paid, carried = v_carried, root = s ->> 'root'
    WHERE height = p_height;
  RETURN 'sealed';
END $function$
;

CREATE OR REPLACE FUNCTION books_unpark(p_most integer DEFAULT 4096, p_new integer DEFAULT 16)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_into integer;
  v_folded integer[];
  v_dropped integer[];
  d record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM deltas WHERE into_job IS NULL) THEN RETURN false; END IF;
  SELECT height INTO v_into FROM jobs WHERE state = 'open' ORDER BY height LIMIT 1 FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT job, slot, epoch, seq, body INTO d FROM deltas WHERE into_job IS NULL
    ORDER BY job, slot, epoch, seq LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN false; END IF;
  v_folded := books_fold(v_into, d.body::jsonb -> 'rows', p_most, p_new);
  v_dropped := books_drop(v_into, d.body::jsonb -> 'rows');
  UPDATE deltas SET into_job = v_into, folded = v_folded, dropped = v_dropped WHERE job = d.job AND slot = d.slot AND epoch = d.epoch AND seq = d.seq;
  PERFORM books_credit(v_into, d.job, d.body::jsonb -> 'rows', v_folded, v_dropped);
  RETURN true;
END $function$
;

CREATE OR REPLACE FUNCTION deltas_archived()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM archive_files f WHERE f.height = OLD.into_job
    AND (f.last_job, f.last_slot, f.last_epoch, f.last_seq) >= (OLD.job, OLD.slot, OLD.epoch, OLD.seq)) THEN
    RAISE EXCEPTION 'the body of delta %/%/%/% is in no file of the archive', OLD.job, OLD.slot, OLD.epoch, OLD.seq USING ERRCODE = 'BK001';
  END IF;
  RETURN NEW;
END $function$
;

CREATE OR REPLACE FUNCTION hold_address()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  -- Where one change follows another, it is the address before the first of them that can be taken back.
  INSERT INTO address_holds AS h (user_name, former, code, changed_at, held_until)
    VALUES (NEW.name, OLD.payout_address, replace(gen_random_uuid()::text, '-', ''), now(), now() + interval '24 hours')
  ON CONFLICT (user_name) DO UPDATE SET former = CASE WHEN h.held_until > now() THEN h.former ELSE excluded.former END, code = excluded.code,
    changed_at = excluded.changed_at, held_until = excluded.held_until;
  DELETE FROM address_holds h WHERE h.user_name = NEW.name AND h.former = NEW.payout_address;
  RETURN NULL;
END $function$
;

CREATE OR REPLACE FUNCTION login_begin(p_keys text, p_now_ms double precision)
 RETURNS double precision
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_until double precision;
BEGIN
  DELETE FROM login_failures WHERE key IN (SELECT key FROM login_failures WHERE last_ms < p_now_ms - 86400000 ORDER BY key LIMIT 10 FOR UPDATE SKIP LOCKED);
  INSERT INTO login_failures (key, failures, last_ms, locked_until_ms)
    SELECT k.key, 0, p_now_ms, 0 FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text) ORDER BY k.key COLLATE "C" ON CONFLICT DO NOTHING;
  PERFORM 1 FROM login_failures f WHERE f.key IN (SELECT k.key FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text)) ORDER BY f.key FOR UPDATE;
  UPDATE login_failures f SET failures = 0, locked_until_ms = 0
    FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text, "forgetMs" double precision)
    WHERE f.key = k.key AND f.last_ms <= p_now_ms - k."forgetMs";
  SELECT max(f.locked_until_ms) INTO v_until FROM login_failures f
    WHERE f.key IN (SELECT k.key FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text));
  IF v_until > p_now_ms THEN RETURN v_until - p_now_ms; END IF;
  UPDATE login_failures f SET failures = f.failures + 1, last_ms = p_now_ms,
      locked_until_ms = CASE WHEN f.failures < k.free THEN 0
        ELSE p_now_ms + least(k."longestMs", k."firstMs" * power(2, least(40, f.failures - k.free))) END
    FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text, free integer, "firstMs" double precision, "longestMs" double precision)
    WHERE f.key = k.key;
  RETURN 0;
END $function$
;

CREATE OR REPLACE FUNCTION login_end(p_keys text, p_forget text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM 1 FROM login_failures f WHERE f.key IN (SELECT k.key FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text)) ORDER BY f.key FOR UPDATE;
  UPDATE login_failures f SET failures = greatest(0, f.failures - 1), locked_until_ms = 0
    FROM jsonb_to_recordset(p_keys::jsonb) AS k(key text) WHERE f.key = k.key;
  DELETE FROM login_failures WHERE key = p_forget;
END $function$
;

CREATE OR REPLACE FUNCTION login_guess(p_name text, p_places text, p_stranger boolean, p_now_ms double precision, p_free integer, p_every_ms double precision, OUT counter text, OUT wait_ms double precision)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_user bigint;
  v_place text;
  v_empty double precision;
BEGIN
  SELECT id INTO v_user FROM users WHERE name = p_name;
  FOR v_place IN SELECT t.value FROM jsonb_array_elements_text(p_places::jsonb) WITH ORDINALITY AS t(value, nth) ORDER BY t.nth LOOP
    SELECT empty_at_ms INTO v_empty FROM login_places WHERE user_id = v_user AND place = v_place;
    CONTINUE WHEN NOT FOUND;
    UPDATE login_places SET empty_at_ms = after_guess(empty_at_ms, p_now_ms, p_free, p_every_ms)
      WHERE user_id = v_user AND place = v_place AND after_guess(empty_at_ms, p_now_ms, p_free, p_every_ms) IS NOT NULL;
    IF FOUND THEN counter := v_place; RETURN; END IF;
    wait_ms := least(wait_ms, greatest(1, v_empty - (p_free - 1) * p_every_ms - p_now_ms));
  END LOOP;
  SELECT empty_at_ms INTO v_empty FROM login_guesses WHERE user_id = v_user;
  IF wait_ms IS NOT NULL OR NOT p_stranger THEN RETURN; END IF;
  IF v_user IS NULL THEN
    UPDATE login_guesses SET empty_at_ms = p_now_ms WHERE user_id IN (SELECT user_id FROM login_guesses WHERE user_id = 0 FOR UPDATE SKIP LOCKED);
    counter := 'nobody';
    RETURN;
  END IF;
  -- Looked at before anything is locked: whoever must wait writes nothing.
  IF after_guess(v_empty, p_now_ms, p_free, p_every_ms) IS NOT NULL OR v_empty IS NULL THEN
    INSERT INTO login_guesses AS g VALUES (v_user, p_now_ms + p_every_ms)
      ON CONFLICT (user_id) DO UPDATE SET empty_at_ms = after_guess(g.empty_at_ms, p_now_ms, p_free, p_every_ms)
      WHERE after_guess(g.empty_at_ms, p_now_ms, p_free, p_every_ms) IS NOT NULL;
    IF FOUND THEN counter := 'strangers'; RETURN; END IF;
    SELECT empty_at_ms INTO v_empty FROM login_guesses WHERE user_id = v_user;
  END IF;
  wait_ms := greatest(1, v_empty - (p_free - 1) * p_every_ms - p_now_ms);
END $function$
;

CREATE OR REPLACE FUNCTION login_remember(p_name text, p_kind text, p_place text, p_now_ms double precision, p_most integer)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_user bigint;
BEGIN
  SELECT id INTO v_user FROM users WHERE name = p_name FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO login_places (user_id, place, kind, used_ms) VALUES (v_user, p_place, p_kind, p_now_ms)
    ON CONFLICT (user_id, place) DO UPDATE SET used_ms = p_now_ms;
  DELETE FROM login_places WHERE user_id = v_user AND kind = p_kind AND place NOT IN (
    SELECT place FROM login_places WHERE user_id = v_user AND kind = p_kind ORDER BY used_ms DESC, place LIMIT p_most);
END $function$
;

CREATE OR REPLACE FUNCTION login_take_back(p_name text, p_counter text, p_every_ms double precision)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF p_counter = 'strangers' THEN
    UPDATE login_guesses SET empty_at_ms = empty_at_ms - p_every_ms WHERE user_id = (SELECT id FROM users WHERE name = p_name);
  ELSE
    UPDATE login_places SET empty_at_ms = empty_at_ms - p_every_ms
      WHERE user_id = (SELECT id FROM users WHERE name = p_name) AND place = p_counter;
  END IF;
END $function$
;

CREATE OR REPLACE FUNCTION money_log_adjustment(a adjustments)
 RETURNS void
 LANGUAGE sql
AS $function$
  SELECT money_log_append('adjustment', a.id::text, jsonb_build_object('id', a.id::text, 'user', a.user_name, 'amount', a.amount::text,
    'reason', a.reason, 'madeBy', a.made_by, 'at', extract(epoch FROM a.at)::text));
$function$
;

CREATE OR REPLACE FUNCTION money_log_append(p_kind text, p_key text, p_body jsonb)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  v_id bigint;
  v_sha text;
BEGIN
  -- Held to the end of the transaction: the last row seen here is the last one there is.
  PERFORM pg_advisory_xact_lock(7202003);
  SELECT id, sha256 INTO v_id, v_sha FROM money_log ORDER BY id DESC LIMIT 1;
  INSERT INTO money_log (id, kind, key, body, sha256) VALUES (COALESCE(v_id, 0) + 1, p_kind, p_key, p_body::text,
    encode(sha256(convert_to(COALESCE(v_sha, '') || E'\n' || p_body::text, 'UTF8')), 'hex'));
END $function$
;

CREATE OR REPLACE FUNCTION money_log_payment(p payments)
 RETURNS void
 LANGUAGE sql
AS $function$
  SELECT money_log_append('payment', p.entry_hash || ' ' || p.user_name, jsonb_build_object('entryHash', p.entry_hash,
    'user', p.user_name, 'address', p.address, 'amount', p.amount::text, 'at', extract(epoch FROM p.at)::text));
$function$
;

CREATE OR REPLACE FUNCTION money_log_row()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF TG_TABLE_NAME = 'adjustments' THEN PERFORM money_log_adjustment(NEW); ELSE PERFORM money_log_payment(NEW); END IF;
  RETURN NULL;
END $function$
;

CREATE OR REPLACE FUNCTION payout_lines_kept()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM payout_batches WHERE id = OLD.batch AND state = 'replaced') THEN
    RAISE EXCEPTION 'the lines of payout % are its record', OLD.batch USING ERRCODE = 'BK001';
  END IF;
  RETURN OLD;
END $function$
;

CREATE OR REPLACE FUNCTION tallies_add()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  INSERT INTO tallies AS t (job, user_name, judged, sent)
    SELECT a.job, r."user", sum(r.judged), sum(COALESCE(r.sent, 0))
    FROM added a, jsonb_to_recordset(a.body::jsonb -> 'rows') AS r("user" text COLLATE "C", judged numeric, sent numeric)
    WHERE r.judged > 0 GROUP BY a.job, r."user" ORDER BY a.job, r."user"
    ON CONFLICT (job, user_name) DO UPDATE SET judged = t.judged + excluded.judged, sent = t.sent + excluded.sent;
  RETURN NULL;
END $function$
;

CREATE OR REPLACE FUNCTION work_page(p_job integer, p_user text, p_worker text, p_bytes integer, p_rows integer)
 RETURNS TABLE("user" text, worker text, shares text, work text)
 LANGUAGE sql
 STABLE
 SET enable_sort TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
  SELECT p.user_name, p.worker, p.shares::text, p.work::text FROM (
    SELECT w.user_name, w.worker, w.shares, w.work,
      sum(180 + 2 * (length(w.user_name) + length(w.worker))) OVER (ORDER BY w.user_name, w.worker ROWS UNBOUNDED PRECEDING) AS bytes
    FROM work w WHERE w.job = p_job AND (w.user_name, w.worker) > (COALESCE(p_user, ''), COALESCE(p_worker, ''))
    ORDER BY w.user_name, w.worker LIMIT p_rows) p
  WHERE p.bytes <= p_bytes ORDER BY p.user_name, p.worker;
$function$
;

CREATE OR REPLACE FUNCTION worker_decay(p_seconds double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT exp(-least(greatest(p_seconds, 0), 45000) / 900);
$function$
;

CREATE OR REPLACE FUNCTION worker_status_add(p_job integer, p_user text[], p_worker text[], p_shares numeric[], p_work numeric[], p_best numeric[], p_last timestamp with time zone[])
 RETURNS void
 LANGUAGE sql
AS $function$
  INSERT INTO worker_status AS s (user_name, worker, first_at, last_at, last_job, pace, pace_at, best, best_job, since, up_since)
  SELECT g."user", g.worker, g.first, g.last, p_job, g.pace, g.last, g.best, p_job, g.first, g.first
  FROM (
    SELECT r."user", r.worker, min(r.at) AS first, r.last,
      sum(r.work::float8 * worker_decay(extract(epoch FROM r.last - r.at)::float8)) / 900 AS pace, max(r.best) AS best
    FROM (
      SELECT u."user" COLLATE "C" AS "user", u.worker COLLATE "C" AS worker, u.work, u.best, u.at, max(u.at) OVER (PARTITION BY u."user", u.worker) AS last
      FROM unnest(p_user, p_worker, p_shares, p_work, p_best, p_last) AS u("user", worker, shares, work, best, at) WHERE u.shares > 0) r
    GROUP BY r."user", r.worker, r.last) g
  ORDER BY g."user", g.worker
  ON CONFLICT (user_name, worker) DO UPDATE SET
    first_at = least(s.first_at, excluded.first_at),
    last_at = CASE WHEN s.last_at > now() + interval '2 minutes' THEN excluded.last_at ELSE greatest(s.last_at, excluded.last_at) END,
    last_job = greatest(s.last_job, excluded.last_job),
    pace = CASE WHEN s.pace_at > now() + interval '2 minutes' THEN excluded.pace
      ELSE s.pace * worker_decay(extract(epoch FROM excluded.pace_at - s.pace_at)::float8)
        + excluded.pace * worker_decay(extract(epoch FROM s.pace_at - excluded.pace_at)::float8) END,
    pace_at = CASE WHEN s.pace_at > now() + interval '2 minutes' THEN excluded.pace_at ELSE greatest(s.pace_at, excluded.pace_at) END,
    best = greatest(s.best, excluded.best),
    best_job = CASE WHEN excluded.best > s.best THEN excluded.best_job ELSE s.best_job END;
$function$
;

CREATE OR REPLACE FUNCTION workers_confirm(p_user text, p_workers text, p_most integer)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_advisory_xact_lock(7202056);
  IF (SELECT count(*) FROM (SELECT worker FROM workers WHERE user_name = p_user AND state = 'own'
      UNION SELECT jsonb_array_elements_text(p_workers::jsonb)) own) > 4 * p_most THEN RETURN false; END IF;
  INSERT INTO workers AS k (user_name, worker, state)
    SELECT DISTINCT p_user, e.worker, 'own' FROM jsonb_array_elements_text(p_workers::jsonb) e(worker)
    ON CONFLICT (user_name, worker) DO UPDATE SET state = 'own', since = now() WHERE k.state <> 'own';
  RETURN true;
END $function$
;

CREATE OR REPLACE FUNCTION workers_let_in(p_user text, p_worker text, p_most integer)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  INSERT INTO workers AS k (user_name, worker, state) VALUES (p_user, p_worker, 'new')
    ON CONFLICT (user_name, worker) DO UPDATE SET state = 'new', since = now() WHERE k.state = 'waiting';
  DELETE FROM workers WHERE user_name = p_user AND state = 'new' AND worker IN (
    SELECT w.worker FROM workers w WHERE w.user_name = p_user AND w.state = 'new' ORDER BY w.since DESC, w.worker
    OFFSET greatest(p_most / 4, 1));
END $function$
;

CREATE OR REPLACE FUNCTION workers_wait(p_user text, p_worker text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  INSERT INTO workers AS k (user_name, worker, state) VALUES (p_user, p_worker, 'waiting')
    ON CONFLICT (user_name, worker) DO UPDATE SET since = now() WHERE k.state = 'waiting';
  DELETE FROM workers WHERE user_name = p_user AND state = 'waiting' AND worker IN (
    SELECT w.worker FROM workers w WHERE w.user_name = p_user AND w.state = 'waiting' ORDER BY w.since DESC, w.worker OFFSET 64);
END $function$
;

CREATE TRIGGER adjustment_requests_fixed BEFORE UPDATE ON adjustment_requests FOR EACH ROW WHEN (((old.decided_at IS NOT NULL) OR (((((new.user_name IS DISTINCT FROM old.user_name) OR (new.amount IS DISTINCT FROM old.amount)) OR (new.reason IS DISTINCT FROM old.reason)) OR (new.made_by IS DISTINCT FROM old.made_by)) OR (new.request_id IS DISTINCT FROM old.request_id)))) EXECUTE FUNCTION books_refuse();

CREATE TRIGGER adjustment_requests_kept BEFORE DELETE ON adjustment_requests FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER adjustments_fixed BEFORE DELETE OR UPDATE ON adjustments FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER adjustments_logged AFTER INSERT ON adjustments FOR EACH ROW EXECUTE FUNCTION money_log_row();

CREATE TRIGGER admin_log_fixed BEFORE DELETE OR UPDATE ON admin_log FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER archive_files_added BEFORE INSERT ON archive_files FOR EACH ROW EXECUTE FUNCTION archive_file_added();

CREATE TRIGGER archive_files_fixed BEFORE DELETE OR UPDATE ON archive_files FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER blocks_fixed BEFORE DELETE OR UPDATE ON blocks FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER chain_roots_fixed BEFORE DELETE OR UPDATE ON chain_roots FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER close_markers_fixed BEFORE DELETE OR UPDATE ON close_markers FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER deltas_archived BEFORE UPDATE ON deltas FOR EACH ROW WHEN (((old.body IS NOT NULL) AND (new.body IS NULL))) EXECUTE FUNCTION deltas_archived();

CREATE TRIGGER deltas_fixed BEFORE UPDATE ON deltas FOR EACH ROW WHEN ((((old.into_job IS NOT NULL) OR (new.job IS DISTINCT FROM old.job) OR (new.slot IS DISTINCT FROM old.slot) OR (new.epoch IS DISTINCT FROM old.epoch) OR (new.seq IS DISTINCT FROM old.seq) OR (new.sha256 IS DISTINCT FROM old.sha256) OR (new.body IS DISTINCT FROM old.body) OR (new.applied_at IS DISTINCT FROM old.applied_at)) AND (NOT ((old.into_job IS NOT NULL) AND (old.body IS NOT NULL) AND (new.body IS NULL) AND (new.job = old.job) AND (new.slot = old.slot) AND (new.epoch = old.epoch) AND (new.seq = old.seq) AND (new.sha256 = old.sha256) AND (NOT (new.into_job IS DISTINCT FROM old.into_job)) AND (new.applied_at = old.applied_at) AND (NOT (new.folded IS DISTINCT FROM old.folded)) AND (NOT (new.dropped IS DISTINCT FROM old.dropped)))))) EXECUTE FUNCTION books_refuse();

CREATE TRIGGER deltas_kept BEFORE DELETE ON deltas FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER deltas_tallied AFTER INSERT ON deltas REFERENCING NEW TABLE AS added FOR EACH STATEMENT WHEN ((current_setting('books.tallies'::text, true) IS DISTINCT FROM 'added'::text)) EXECUTE FUNCTION tallies_add();

CREATE TRIGGER jobless_rewards_fixed BEFORE DELETE OR UPDATE ON jobless_rewards FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER jobs_alert AFTER UPDATE ON jobs FOR EACH ROW WHEN (((new.state = 'sealed'::text) AND (old.state <> 'sealed'::text) AND (new.reward > 0))) EXECUTE FUNCTION alert_block();

CREATE TRIGGER jobs_fixed BEFORE UPDATE ON jobs FOR EACH ROW WHEN (((old.state = 'sealed'::text) OR ((old.state = 'closing'::text) AND (new.state = 'open'::text)) OR ((old.state = 'open'::text) AND (new.state = 'sealed'::text)) OR (((((((((((new.height IS DISTINCT FROM old.height) OR (new.version IS DISTINCT FROM old.version)) OR (new.opr_hash IS DISTINCT FROM old.opr_hash)) OR (new.opr IS DISTINCT FROM old.opr)) OR (new.prices IS DISTINCT FROM old.prices)) OR (new.prices_id IS DISTINCT FROM old.prices_id)) OR (new.threshold IS DISTINCT FROM old.threshold)) OR (new.fee_rate IS DISTINCT FROM old.fee_rate)) OR (new.split IS DISTINCT FROM old.split)) OR (new.credit IS DISTINCT FROM old.credit)) OR (new.created_at IS DISTINCT FROM old.created_at)))) EXECUTE FUNCTION books_refuse();

CREATE TRIGGER jobs_in_order BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION books_new_job();

CREATE TRIGGER jobs_kept BEFORE DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER money_log_fixed BEFORE DELETE OR UPDATE ON money_log FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER payments_alert AFTER INSERT ON payments REFERENCING NEW TABLE AS paid FOR EACH STATEMENT EXECUTE FUNCTION alert_payments();

CREATE TRIGGER payments_fixed BEFORE DELETE OR UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER payments_logged AFTER INSERT ON payments FOR EACH ROW EXECUTE FUNCTION money_log_row();

CREATE TRIGGER payout_approvals_fixed BEFORE DELETE OR UPDATE ON payout_approvals FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER payout_batches_fixed BEFORE UPDATE ON payout_batches FOR EACH ROW WHEN ((((((new.id IS DISTINCT FROM old.id) OR (new.digest IS DISTINCT FROM old.digest)) OR (new.total IS DISTINCT FROM old.total)) OR (new.by_hand IS DISTINCT FROM old.by_hand)) OR ((old.state = ANY (ARRAY['sending'::text, 'done'::text])) AND ((new.state = ANY (ARRAY['prepared'::text, 'replaced'::text])) OR (new.salt_seconds <> old.salt_seconds) OR (new.source <> old.source))) OR ((old.state = 'done'::text) AND (new.state <> 'done'::text)))) EXECUTE FUNCTION books_refuse();

CREATE TRIGGER payout_batches_kept BEFORE DELETE ON payout_batches FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER payout_disregarded_fixed BEFORE DELETE OR UPDATE ON payout_disregarded FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER payout_entries_fixed BEFORE UPDATE ON payout_entries FOR EACH ROW WHEN ((((((new.batch IS DISTINCT FROM old.batch) OR (new.no IS DISTINCT FROM old.no)) OR (new.entry_hash IS DISTINCT FROM old.entry_hash)) OR (new.raw IS DISTINCT FROM old.raw)) OR ((old.state = ANY (ARRAY['booked'::text, 'void'::text])) AND (new.state <> old.state)) OR ((old.state = 'revealed'::text) AND (new.state = 'intended'::text)))) EXECUTE FUNCTION books_refuse();

CREATE TRIGGER payout_entries_kept BEFORE DELETE ON payout_entries FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER payout_lines_fixed BEFORE UPDATE ON payout_lines FOR EACH ROW WHEN (((old.entry IS NOT NULL) OR (((((((new.batch IS DISTINCT FROM old.batch) OR (new.no IS DISTINCT FROM old.no)) OR (new.user_name IS DISTINCT FROM old.user_name)) OR (new.address IS DISTINCT FROM old.address)) OR (new.amount IS DISTINCT FROM old.amount)) OR (new.total_owed IS DISTINCT FROM old.total_owed)) OR (new.total_paid IS DISTINCT FROM old.total_paid)))) EXECUTE FUNCTION books_refuse();

CREATE TRIGGER payout_lines_kept BEFORE DELETE ON payout_lines FOR EACH ROW EXECUTE FUNCTION payout_lines_kept();

CREATE TRIGGER payouts_drafted AFTER INSERT ON payouts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('closing');

CREATE TRIGGER payouts_dropped AFTER DELETE ON payouts REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('closing');

CREATE TRIGGER payouts_fixed BEFORE UPDATE ON payouts FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER tallies_kept BEFORE DELETE ON tallies FOR EACH ROW EXECUTE FUNCTION books_refuse();

CREATE TRIGGER users_address_hold AFTER UPDATE OF payout_address ON users FOR EACH ROW WHEN (((old.payout_address IS NOT NULL) AND (old.payout_address IS DISTINCT FROM new.payout_address))) EXECUTE FUNCTION hold_address();

CREATE TRIGGER users_alert AFTER UPDATE OF payout_address ON users FOR EACH ROW WHEN ((old.payout_address IS DISTINCT FROM new.payout_address)) EXECUTE FUNCTION alert_address();

CREATE TRIGGER work_added AFTER INSERT ON work REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('open');

CREATE TRIGGER work_changed AFTER UPDATE ON work REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('open');

CREATE TRIGGER work_removed AFTER DELETE ON work REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION books_only_while('open');

CREATE TRIGGER work_stays BEFORE UPDATE OF job ON work FOR EACH ROW WHEN ((new.job <> old.job)) EXECUTE FUNCTION books_refuse();

CREATE TRIGGER worker_changes_alert AFTER INSERT ON worker_changes REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION alert_workers();
