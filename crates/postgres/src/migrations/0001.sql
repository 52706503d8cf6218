-- The seed's table with what is needed beside it. Its own columns keep their names and types; `id` is widened.
CREATE SCHEMA IF NOT EXISTS whittle;

CREATE TABLE whittle.meta (
  format INT NOT NULL,
  -- The raw log whose records are stored: offsets are identities.
  raw_log TEXT
);
INSERT INTO whittle.meta (format) VALUES (0);

-- Fixed widths first, so that nothing is lost to alignment; nothing is null, which would cost eight bytes a row.
CREATE TABLE logs (
  id BIGINT NOT NULL,
  timestamp TIMESTAMPTZ NOT NULL,
  received_at TIMESTAMPTZ NOT NULL,
  series INT NOT NULL,
  day DATE NOT NULL,
  source TEXT NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  insight JSONB NOT NULL,
  context JSON NOT NULL,
  level_text TEXT NOT NULL,
  exact BYTEA NOT NULL
) PARTITION BY LIST (day);
CREATE INDEX logs_timestamp ON logs (timestamp);
CREATE INDEX logs_series ON logs (series, timestamp);
-- Rows come in the order of their ids, so a summary of each stretch of pages finds them.
CREATE INDEX logs_id ON logs USING brin (id) WITH (pages_per_range = 32, autosummarize = on);

COMMENT ON COLUMN logs.insight IS 'what was known of the pattern when the row was written; logs_current has the newest';
COMMENT ON COLUMN logs.day IS 'the day of receipt, by which partitions are dropped';
COMMENT ON COLUMN logs.exact IS 'source, message and level text as bytes where they hold U+0000, which is U+2400 in the text';

-- One for each source, level and form of a message. A source is escaped: U+0000 and U+0001 as U+0001 and a digit.
CREATE TABLE whittle.series (
  id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source TEXT NOT NULL,
  level SMALLINT NOT NULL,
  form_id BIGINT NOT NULL
);
-- By the hash of the source, since an index takes no key of any length.
CREATE UNIQUE INDEX series_key ON whittle.series (form_id, level, md5(source));

-- What a form's pattern is called now, its text, and what is known of it.
CREATE TABLE whittle.patterns (
  form_id BIGINT NOT NULL,
  level SMALLINT NOT NULL,
  pattern_id BIGINT NOT NULL,
  template TEXT NOT NULL,
  insight JSONB NOT NULL,
  PRIMARY KEY (form_id, level)
);

-- Counts of rows by minute (since 1970) of their timestamp, and by day of receipt so that they go with their rows.
CREATE TABLE whittle.fresh (minute BIGINT NOT NULL, series INT NOT NULL, day DATE NOT NULL, rows BIGINT NOT NULL)
  WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
CREATE TABLE whittle.minutes (
  minute BIGINT NOT NULL, series INT NOT NULL, day DATE NOT NULL, rows BIGINT NOT NULL,
  -- Few series are found by the key, a stretch of time by the summary: counts come in the order of their minutes.
  PRIMARY KEY (series, minute, day)
) WITH (fillfactor = 80);
CREATE INDEX minutes_minute ON whittle.minutes USING brin (minute) WITH (pages_per_range = 16, autosummarize = on);
-- The same by the first minute of the hour.
CREATE TABLE whittle.hours (
  minute BIGINT NOT NULL, series INT NOT NULL, day DATE NOT NULL, rows BIGINT NOT NULL,
  PRIMARY KEY (series, minute, day)
) WITH (fillfactor = 50);
-- The same by the first minute of the date (UTC): what counts over long times are added up from.
CREATE TABLE whittle.dates (
  minute BIGINT NOT NULL, series INT NOT NULL, day DATE NOT NULL, rows BIGINT NOT NULL,
  PRIMARY KEY (series, minute, day)
) WITH (fillfactor = 50);
-- First timestamp of a series among the rows of a day; the least of several counts.
CREATE TABLE whittle.firsts (day DATE NOT NULL, series INT NOT NULL, first TIMESTAMPTZ NOT NULL);
-- What a day holds of a partition of the raw log.
CREATE TABLE whittle.days (
  day DATE NOT NULL, partition INT NOT NULL, rows BIGINT NOT NULL, first TIMESTAMPTZ NOT NULL, last TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (day, partition)
) WITH (fillfactor = 50);

-- For each partition of the raw log the first offset that is not stored.
CREATE TABLE whittle.positions (partition INT PRIMARY KEY, next BIGINT NOT NULL) WITH (fillfactor = 50);
-- What a restart goes on from, as of these positions or later.
CREATE TABLE whittle.checkpoint (partition INT PRIMARY KEY, next BIGINT NOT NULL);
CREATE TABLE whittle.states (name TEXT PRIMARY KEY, state BYTEA NOT NULL);
CREATE TABLE whittle.journals (name TEXT NOT NULL, number BIGINT GENERATED ALWAYS AS IDENTITY, bytes BYTEA NOT NULL,
  PRIMARY KEY (name, number));

CREATE VIEW logs_current AS
  SELECT l.id, l.source, l.level, l.message, l.timestamp, coalesce(p.insight, l.insight) AS insight, l.received_at,
    l.context, l.level_text, coalesce(p.pattern_id, s.form_id) AS pattern_id, p.template
  FROM logs l
    JOIN whittle.series s ON s.id = l.series
    LEFT JOIN whittle.patterns p ON p.form_id = s.form_id AND p.level = s.level;
