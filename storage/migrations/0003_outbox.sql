-- Mail: a row in the transaction of its cause, worked off by whoever holds its lease.
-- details: what the template is filled with, JSON; '' once it is no longer needed, since links that sign in stand there.
-- in_data: its worker was about to hand the text over. An orphan with it may have been delivered.
-- next_at: null = not by itself (again).
CREATE TABLE mail_outbox (
  id               BIGINT PRIMARY KEY,
  recipient        TEXT NOT NULL CHECK (recipient <> ''),
  recipient_key    TEXT NOT NULL CHECK (recipient_key <> ''),
  recipient_name   TEXT NOT NULL,
  template_name    TEXT NOT NULL CHECK (template_name <> ''),
  cause            TEXT NOT NULL CHECK (cause <> ''),
  language         TEXT NOT NULL CHECK (language <> ''),
  details          TEXT NOT NULL,
  list_unsubscribe TEXT NOT NULL,
  message_id       TEXT NOT NULL UNIQUE,
  urgency          BIGINT NOT NULL CHECK (urgency BETWEEN 0 AND 2),
  state            TEXT NOT NULL
                   CHECK (state IN ('queued', 'sending', 'sent', 'deferred', 'failed', 'suppressed', 'uncertain')),
  reason           TEXT NOT NULL,
  tries            BIGINT NOT NULL CHECK (tries >= 0),
  orphaned         BIGINT NOT NULL CHECK (orphaned >= 0),
  next_at          BIGINT,
  give_up_at       BIGINT NOT NULL,
  lease            BIGINT,
  leased_until     BIGINT,
  holder           TEXT NOT NULL,
  in_data          BOOLEAN NOT NULL,
  created_at       BIGINT NOT NULL,
  updated_at       BIGINT NOT NULL,
  sent_at          BIGINT,
  UNIQUE (recipient_key, template_name, cause),
  CHECK ((state = 'sending') = (lease IS NOT NULL)),
  CHECK ((lease IS NULL) = (leased_until IS NULL)),
  CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
  CHECK (state NOT IN ('queued', 'deferred') OR next_at IS NOT NULL)
);
CREATE INDEX mail_outbox_due ON mail_outbox (urgency, next_at, id) WHERE state IN ('queued', 'deferred', 'uncertain');
CREATE INDEX mail_outbox_leases ON mail_outbox (leased_until) WHERE state = 'sending';
CREATE INDEX mail_outbox_states ON mail_outbox (state, id);
CREATE INDEX mail_outbox_templates ON mail_outbox (template_name, state);

-- What is held back, on every node. template_name: '' = all mail.
CREATE TABLE mail_pauses (
  template_name TEXT PRIMARY KEY,
  paused_by     TEXT NOT NULL,
  paused_at     BIGINT NOT NULL
);

-- Addresses that get no mail of any kind.
CREATE TABLE mail_suppressions (
  recipient_key TEXT PRIMARY KEY CHECK (recipient_key <> ''),
  kind          TEXT NOT NULL CHECK (kind IN ('bounce', 'complaint', 'by_hand')),
  detail        TEXT NOT NULL,
  created_at    BIGINT NOT NULL
);

-- How many mails may go now: a token bucket that all nodes share. level: millionths of a mail.
CREATE TABLE mail_budget (
  id          BIGINT PRIMARY KEY CHECK (id = 1),
  level       BIGINT NOT NULL,
  filled_at   BIGINT NOT NULL,
  day         BIGINT NOT NULL,
  spent_today BIGINT NOT NULL
);
INSERT INTO mail_budget (id, level, filled_at, day, spent_today) VALUES (1, 0, 0, 0, 0);
