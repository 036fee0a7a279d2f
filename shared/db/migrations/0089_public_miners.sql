-- What a user lets everybody see who knows its name; without a row, or with an empty one, nothing.
CREATE TABLE public_miners (
  user_name text COLLATE "C" PRIMARY KEY REFERENCES users (name) ON DELETE CASCADE,
  shows text[] NOT NULL CHECK (shows <@ ARRAY['rate', 'workers', 'earned', 'address']),
  changed_at timestamptz NOT NULL DEFAULT now()
);
