-- Texts on their way to HTML: what a renderer takes, by the SHA-256 of it.
CREATE TABLE texts (
  render_key   TEXT PRIMARY KEY CHECK (length(render_key) = 64),
  markdown     TEXT NOT NULL,
  base_path    TEXT NOT NULL,
  slugs        TEXT NOT NULL,
  media        TEXT NOT NULL,
  trusted_html BOOLEAN NOT NULL,
  orphaned_at  BIGINT
);
CREATE INDEX texts_orphaned ON texts (orphaned_at) WHERE orphaned_at IS NOT NULL;

CREATE TABLE rendered (
  render_key       TEXT NOT NULL REFERENCES texts (render_key) ON DELETE CASCADE,
  renderer_version BIGINT NOT NULL,
  html             TEXT NOT NULL,
  free_html        TEXT NOT NULL,
  has_more         BOOLEAN NOT NULL,
  headings         TEXT NOT NULL,
  blocks           TEXT NOT NULL,
  coloured         BOOLEAN NOT NULL,
  PRIMARY KEY (render_key, renderer_version)
);

CREATE TABLE highlighted (
  hash TEXT PRIMARY KEY CHECK (length(hash) = 64),
  html TEXT NOT NULL
);

-- What site.toml says, and the folder that content comes from.
CREATE TABLE site (
  id             BIGINT PRIMARY KEY CHECK (id = 1),
  title          TEXT NOT NULL,
  description    TEXT NOT NULL,
  language       TEXT NOT NULL CHECK (language <> ''),
  timezone       TEXT NOT NULL,
  accent         TEXT NOT NULL,
  author         TEXT NOT NULL,
  trusted_html   BOOLEAN NOT NULL,
  navigation     TEXT NOT NULL,
  content_folder TEXT NOT NULL,
  content_hash   TEXT NOT NULL
);

-- Languages that something is published in, and since when.
CREATE TABLE languages (
  language        TEXT PRIMARY KEY,
  published_since BIGINT NOT NULL
);

-- A course is one thing in several languages; so are lessons and articles. published_at: null = not yet (a draft).
-- source: the file it came from, '' = made up from a folder's name, null = made in the browser.
CREATE TABLE courses (
  id       BIGINT PRIMARY KEY,
  slug     TEXT NOT NULL UNIQUE CHECK (slug <> ''),
  position BIGINT NOT NULL
);

CREATE TABLE course_texts (
  course_id    BIGINT NOT NULL REFERENCES courses (id) ON DELETE CASCADE,
  language     TEXT NOT NULL CHECK (language <> ''),
  title        TEXT NOT NULL CHECK (title <> ''),
  summary      TEXT NOT NULL,
  render_key   TEXT NOT NULL REFERENCES texts (render_key),
  access       TEXT NOT NULL CHECK (access IN ('public', 'members', 'paid') OR access LIKE 'plan:_%'),
  published_at BIGINT,
  updated_at   BIGINT NOT NULL,
  source       TEXT,
  content_hash TEXT NOT NULL,
  PRIMARY KEY (course_id, language)
);
CREATE INDEX course_texts_language ON course_texts (language, published_at);
CREATE INDEX course_texts_render_key ON course_texts (render_key);

CREATE TABLE lessons (
  id        BIGINT PRIMARY KEY,
  course_id BIGINT NOT NULL REFERENCES courses (id) ON DELETE CASCADE,
  slug      TEXT NOT NULL CHECK (slug <> ''),
  UNIQUE (course_id, slug)
);

CREATE TABLE lesson_texts (
  lesson_id        BIGINT NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
  language         TEXT NOT NULL CHECK (language <> ''),
  course_id        BIGINT NOT NULL REFERENCES courses (id) ON DELETE CASCADE,
  position         BIGINT NOT NULL,
  title            TEXT NOT NULL CHECK (title <> ''),
  summary          TEXT NOT NULL,
  author           TEXT NOT NULL,
  render_key       TEXT NOT NULL REFERENCES texts (render_key),
  access           TEXT NOT NULL CHECK (access IN ('public', 'members', 'paid') OR access LIKE 'plan:_%'),
  duration_seconds BIGINT NOT NULL CHECK (duration_seconds >= 0),
  reading_minutes  BIGINT NOT NULL CHECK (reading_minutes >= 0),
  has_video        BOOLEAN NOT NULL,
  revision         TEXT NOT NULL,
  published_at     BIGINT,
  updated_at       BIGINT NOT NULL,
  source           TEXT,
  entry_hash       TEXT NOT NULL,
  content_hash     TEXT NOT NULL,
  PRIMARY KEY (lesson_id, language)
);
CREATE INDEX lesson_texts_course ON lesson_texts (course_id, language, position);
CREATE INDEX lesson_texts_render_key ON lesson_texts (render_key);
CREATE INDEX lesson_texts_published ON lesson_texts (published_at);

CREATE TABLE articles (
  id   BIGINT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('article', 'page')),
  slug TEXT NOT NULL CHECK (slug <> ''),
  UNIQUE (kind, slug)
);

CREATE TABLE article_texts (
  article_id      BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  language        TEXT NOT NULL CHECK (language <> ''),
  kind            TEXT NOT NULL CHECK (kind IN ('article', 'page')),
  title           TEXT NOT NULL CHECK (title <> ''),
  summary         TEXT NOT NULL,
  author          TEXT NOT NULL,
  render_key      TEXT NOT NULL REFERENCES texts (render_key),
  access          TEXT NOT NULL CHECK (access IN ('public', 'members', 'paid') OR access LIKE 'plan:_%'),
  reading_minutes BIGINT NOT NULL CHECK (reading_minutes >= 0),
  published_at    BIGINT,
  updated_at      BIGINT NOT NULL,
  source          TEXT,
  entry_hash      TEXT NOT NULL,
  content_hash    TEXT NOT NULL,
  PRIMARY KEY (article_id, language)
);
CREATE INDEX article_texts_newest ON article_texts (kind, language, published_at);
CREATE INDEX article_texts_render_key ON article_texts (render_key);
CREATE INDEX article_texts_published ON article_texts (published_at);

CREATE TABLE tags (
  owner_kind TEXT NOT NULL CHECK (owner_kind IN ('course', 'lesson', 'article')),
  owner_id   BIGINT NOT NULL,
  language   TEXT NOT NULL,
  position   BIGINT NOT NULL,
  tag        TEXT NOT NULL CHECK (tag <> ''),
  PRIMARY KEY (owner_kind, owner_id, language, position)
);
CREATE INDEX tags_tag ON tags (tag);

-- Files beside texts. One row a file; equal files with equal names share their URL (media_key, name).
CREATE TABLE media (
  source       TEXT PRIMARY KEY,
  scope        TEXT NOT NULL,
  media_key    TEXT NOT NULL CHECK (length(media_key) = 16),
  name         TEXT NOT NULL CHECK (name <> ''),
  content_type TEXT NOT NULL,
  bytes        BIGINT NOT NULL CHECK (bytes >= 0),
  digest       TEXT NOT NULL CHECK (length(digest) = 64)
);
CREATE INDEX media_url ON media (media_key, name);
CREATE INDEX media_scope ON media (scope);

-- Which text shows which file, and who may fetch it for that. language: of the text; track: of the captions, else ''.
CREATE TABLE media_uses (
  owner_kind   TEXT NOT NULL CHECK (owner_kind IN ('course', 'lesson', 'article')),
  owner_id     BIGINT NOT NULL,
  language     TEXT NOT NULL,
  role         TEXT NOT NULL CHECK (role IN ('video', 'poster', 'captions', 'text')),
  track        TEXT NOT NULL,
  source       TEXT NOT NULL REFERENCES media (source) ON DELETE CASCADE,
  access       TEXT NOT NULL,
  published_at BIGINT,
  PRIMARY KEY (owner_kind, owner_id, language, role, track, source)
);
CREATE INDEX media_uses_source ON media_uses (source);

-- Slugs that a thing had once. parent: the course's slug for a lesson, else ''.
CREATE TABLE redirects (
  kind       TEXT NOT NULL CHECK (kind IN ('course', 'lesson', 'article', 'page')),
  parent     TEXT NOT NULL,
  slug       TEXT NOT NULL CHECK (slug <> ''),
  owner_kind TEXT NOT NULL CHECK (owner_kind IN ('course', 'lesson', 'article')),
  owner_id   BIGINT NOT NULL,
  PRIMARY KEY (kind, parent, slug)
);
CREATE INDEX redirects_owner ON redirects (owner_kind, owner_id);

-- What the last import saw, so that the next one need not look again.
CREATE TABLE sources (
  path     TEXT PRIMARY KEY,
  scope    TEXT NOT NULL,
  bytes    BIGINT NOT NULL,
  modified BIGINT NOT NULL,
  inode    BIGINT NOT NULL,
  seen_at  BIGINT NOT NULL,
  digest   TEXT NOT NULL,
  faults   TEXT NOT NULL
);
CREATE INDEX sources_scope ON sources (scope);

-- What changed, in the order of commits: the counter's row is locked from the first change of a transaction to its end.
CREATE TABLE content_counter (
  id  BIGINT PRIMARY KEY CHECK (id = 1),
  seq BIGINT NOT NULL
);
INSERT INTO content_counter (id, seq) VALUES (1, 0);

CREATE TABLE content_changes (
  seq BIGINT PRIMARY KEY,
  tag TEXT NOT NULL,
  at  BIGINT NOT NULL
);
