-- People who sign in. address: as typed; address_key: the same folded (fold_address), which tells whose it is. password_hash,
-- totp_secret: opaque here. totp_step: the newest time step that was accepted, so that none counts twice. sign_in_epoch grows
-- whenever all sessions end: a sign-in that began before opens none.
CREATE TABLE accounts (
  id            BIGINT PRIMARY KEY,
  address       TEXT NOT NULL CHECK (address <> ''),
  address_key   TEXT NOT NULL UNIQUE CHECK (address_key <> ''),
  name          TEXT NOT NULL,
  role          TEXT NOT NULL CHECK (role IN ('learner', 'author', 'operator')),
  language      TEXT NOT NULL,
  password_hash TEXT CHECK (password_hash <> ''),
  totp_secret   TEXT CHECK (totp_secret <> ''),
  totp_step     BIGINT NOT NULL,
  sign_in_epoch BIGINT NOT NULL,
  created_at    BIGINT NOT NULL,
  suspended_at  BIGINT
);
CREATE INDEX accounts_role ON accounts (role, address_key);

-- An account's new address, until both sides have confirmed it.
CREATE TABLE address_changes (
  id               BIGINT PRIMARY KEY,
  account_id       BIGINT NOT NULL UNIQUE REFERENCES accounts (id) ON DELETE CASCADE,
  address          TEXT NOT NULL CHECK (address <> ''),
  address_key      TEXT NOT NULL CHECK (address_key <> ''),
  created_at       BIGINT NOT NULL,
  expires_at       BIGINT NOT NULL CHECK (expires_at > created_at),
  old_confirmed_at BIGINT,
  new_confirmed_at BIGINT
);
CREATE INDEX address_changes_expires ON address_changes (expires_at);

-- Mails with a link and a code; either of the two uses the row up. browser_hash: of the cookie of the browser that asked.
CREATE TABLE sign_in_requests (
  id           BIGINT PRIMARY KEY,
  purpose      TEXT NOT NULL CHECK (purpose IN ('sign_in', 'old_address', 'new_address')),
  address      TEXT NOT NULL CHECK (address <> ''),
  address_key  TEXT NOT NULL CHECK (address_key <> ''),
  change_id    BIGINT REFERENCES address_changes (id) ON DELETE CASCADE,
  language     TEXT NOT NULL,
  token_hash   TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
  code_hash    TEXT NOT NULL CHECK (length(code_hash) = 64),
  browser_hash TEXT NOT NULL CHECK (length(browser_hash) = 64),
  return_path  TEXT NOT NULL CHECK (return_path LIKE '/%' AND return_path NOT LIKE '//%'),
  tries_left   BIGINT NOT NULL CHECK (tries_left BETWEEN 0 AND 5),
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL CHECK (expires_at > created_at),
  used_at      BIGINT,
  CHECK ((purpose = 'sign_in') = (change_id IS NULL))
);
CREATE INDEX sign_in_requests_address ON sign_in_requests (address_key, expires_at);
CREATE INDEX sign_in_requests_change ON sign_in_requests (change_id) WHERE change_id IS NOT NULL;
CREATE INDEX sign_in_requests_expires ON sign_in_requests (expires_at);

-- half_open: the second factor is still due, so it opens nothing else.
CREATE TABLE sessions (
  token_hash     TEXT PRIMARY KEY CHECK (length(token_hash) = 64),
  id             BIGINT NOT NULL UNIQUE,
  account_id     BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  half_open      BOOLEAN NOT NULL,
  created_at     BIGINT NOT NULL,
  seen_at        BIGINT NOT NULL,
  idle_until     BIGINT NOT NULL CHECK (idle_until <= absolute_until),
  absolute_until BIGINT NOT NULL CHECK (absolute_until > created_at),
  sudo_until     BIGINT,
  device         TEXT NOT NULL CHECK (length(device) <= 200),
  masked_peer    TEXT NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id, seen_at);
CREATE INDEX sessions_idle ON sessions (idle_until);

CREATE TABLE recovery_codes (
  account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  code_hash  TEXT NOT NULL CHECK (length(code_hash) = 64),
  created_at BIGINT NOT NULL,
  used_at    BIGINT,
  PRIMARY KEY (account_id, code_hash)
);

-- Plans that somebody has, whoever paid for them. expires_at: null = for ever. ended_at: when an end by time was told of.
CREATE TABLE grants (
  id         BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  plan       TEXT NOT NULL CHECK (plan <> '' AND length(plan) <= 64),
  source     TEXT NOT NULL CHECK (source <> ''),
  note       TEXT NOT NULL,
  granted_by TEXT NOT NULL CHECK (granted_by <> ''),
  created_at BIGINT NOT NULL,
  starts_at  BIGINT NOT NULL,
  expires_at BIGINT CHECK (expires_at > starts_at),
  revoked_at BIGINT,
  revoked_by TEXT CHECK (revoked_by <> ''),
  ended_at   BIGINT,
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_due ON grants (expires_at) WHERE revoked_at IS NULL AND ended_at IS NULL;

-- Failures by whom: key is a scope and a hash, so that the table names nobody.
CREATE TABLE sign_in_limits (
  key            TEXT PRIMARY KEY CHECK (key <> ''),
  failures       BIGINT NOT NULL CHECK (failures >= 0),
  window_ends_at BIGINT NOT NULL,
  blocked_until  BIGINT
);
CREATE INDEX sign_in_limits_window ON sign_in_limits (window_ends_at);

-- Who did what to whose account. It outlives the account, and then holds nothing personal.
CREATE TABLE account_log (
  id         BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  actor      TEXT NOT NULL CHECK (actor <> ''),
  action     TEXT NOT NULL CHECK (action <> ''),
  detail     TEXT NOT NULL,
  at         BIGINT NOT NULL
);
CREATE INDEX account_log_account ON account_log (account_id, id);

-- What nodes keep of whom is stale, in the order of commits, as content_changes.
CREATE TABLE account_counter (
  id  BIGINT PRIMARY KEY CHECK (id = 1),
  seq BIGINT NOT NULL
);
INSERT INTO account_counter (id, seq) VALUES (1, 0);

CREATE TABLE account_changes (
  seq        BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  at         BIGINT NOT NULL
);
