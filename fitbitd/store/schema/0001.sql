-- The index of one account: everything here is made from the archive and can be made again.
--
-- For people: read the views at the end (readings, hourly, days, daily_values, sleep,
-- sleep_stages, sessions, coverage_days, snapshots). The tables are narrow and may change between
-- versions; `PRAGMA user_version` counts the changes.
--
-- Times are integers, Unix milliseconds in UTC, unless a name ends in _s (seconds). A civil day
-- is text, 'YYYY-MM-DD', in the calendar of the person who wore the watch.

-- What the data types and their fields are, by the catalogue of the program that wrote last.
CREATE TABLE field (
    data_type TEXT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    meaning TEXT NOT NULL,
    PRIMARY KEY (data_type, name)
) WITHOUT ROWID;

-- A run of readings of one kind: one field from one source at one offset from UTC. When a provider
-- gives two different values for one instant, the second is in the series with the next ordinal.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    data_type TEXT NOT NULL,
    field TEXT NOT NULL,
    unit TEXT NOT NULL,
    source TEXT NOT NULL,
    utc_offset_s INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    UNIQUE (data_type, field, source, utc_offset_s, ordinal)
);

-- One measured value. duration_ms is NULL for a sample (a pulse), and the length of the interval
-- for what is counted (steps in a minute).
CREATE TABLE reading (
    series INTEGER NOT NULL REFERENCES series (id),
    instant INTEGER NOT NULL,
    value NUMERIC NOT NULL,
    duration_ms INTEGER,
    PRIMARY KEY (series, instant)
) WITHOUT ROWID;

-- Count, sum, minimum and maximum of the readings of an hour (its start in UTC).
CREATE TABLE rollup_hour (
    series INTEGER NOT NULL REFERENCES series (id),
    hour INTEGER NOT NULL,
    n INTEGER NOT NULL,
    total NUMERIC NOT NULL,
    low NUMERIC NOT NULL,
    high NUMERIC NOT NULL,
    PRIMARY KEY (series, hour)
) WITHOUT ROWID;

-- The same for a civil day, by the offset of the series.
CREATE TABLE rollup_day (
    series INTEGER NOT NULL REFERENCES series (id),
    day TEXT NOT NULL,
    n INTEGER NOT NULL,
    total NUMERIC NOT NULL,
    low NUMERIC NOT NULL,
    high NUMERIC NOT NULL,
    PRIMARY KEY (series, day)
) WITHOUT ROWID;

-- Something with a beginning, an end and an identity at the provider (key): a night, a workout.
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    data_type TEXT NOT NULL,
    key TEXT NOT NULL,
    day TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    utc_offset_s INTEGER NOT NULL,
    UNIQUE (data_type, key)
);
CREATE INDEX session_by_day ON session (data_type, day);

-- Its numbers by name ...
CREATE TABLE session_value (
    session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value NUMERIC NOT NULL,
    PRIMARY KEY (session, name)
) WITHOUT ROWID;

-- ... its words by name ...
CREATE TABLE session_label (
    session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (session, name)
) WITHOUT ROWID;

-- ... and its stretches in the provider's order: the stages of a night, the splits of a workout.
CREATE TABLE session_part (
    session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    PRIMARY KEY (session, ordinal)
) WITHOUT ROWID;

-- One value of one civil day, as the provider gives it.
CREATE TABLE daily (
    data_type TEXT NOT NULL,
    field TEXT NOT NULL,
    source TEXT NOT NULL,
    day TEXT NOT NULL,
    value NUMERIC NOT NULL,
    PRIMARY KEY (data_type, field, source, day)
) WITHOUT ROWID;

-- How something stood (profile, devices): a row for each day (UTC) on which it changed, holding the
-- last of that day. withdrawn_at: since when the provider no longer lists it.
CREATE TABLE snapshot (
    data_type TEXT NOT NULL,
    key TEXT NOT NULL,
    taken_at INTEGER NOT NULL,
    content TEXT NOT NULL,
    withdrawn_at INTEGER,
    PRIMARY KEY (data_type, key, taken_at)
) WITHOUT ROWID;

-- When a watch brought its data to the provider, each time that was seen.
CREATE TABLE device_sync (
    device TEXT NOT NULL,
    synced_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (device, synced_at)
) WITHOUT ROWID;

-- The last complete read of a civil day. settled = 1: it is not asked again. whole = 1: it was read
-- from midnight to midnight once. synced_at: the device sync that the read rests on.
-- A day without a row was never read.
CREATE TABLE coverage (
    data_type TEXT NOT NULL,
    day TEXT NOT NULL,
    settled INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    readings INTEGER NOT NULL,
    synced_at INTEGER,
    PRIMARY KEY (data_type, day)
) WITHOUT ROWID;

-- When a data type was last read up to its present, and on which device sync that rests.
CREATE TABLE freshness (
    data_type TEXT PRIMARY KEY,
    read_at INTEGER NOT NULL,
    synced_at INTEGER
) WITHOUT ROWID;

-- A day (or '', the whole data type) that the provider refused or that could not be read.
CREATE TABLE refusal (
    data_type TEXT NOT NULL,
    day TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    PRIMARY KEY (data_type, day)
) WITHOUT ROWID;

-- A day that held something and came back empty: not believed until it does so again, a day later.
CREATE TABLE doubt (
    data_type TEXT NOT NULL,
    day TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    PRIMARY KEY (data_type, day)
) WITHOUT ROWID;

-- One run of the engine; ended_at is NULL if the process died in it. id is its number in the
-- archive.
CREATE TABLE pass (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    program TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT,
    detail TEXT,
    requests INTEGER,
    quota_limit INTEGER,
    quota_left INTEGER,
    quota_renews_at INTEGER,
    throttled_until INTEGER,
    counts TEXT
);

-- One planned request for a window and how it ended. id is its number in the archive. written and
-- withdrawn count the readings, sessions and daily values that differed from what was stored.
CREATE TABLE pull (
    id INTEGER PRIMARY KEY,
    pass INTEGER NOT NULL,
    data_type TEXT NOT NULL,
    axis TEXT,
    window_start TEXT,
    window_end TEXT,
    why TEXT NOT NULL,
    zone TEXT NOT NULL,
    synced_at INTEGER,
    began_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    pages INTEGER NOT NULL,
    points INTEGER NOT NULL,
    written INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL
);

-- What was wrong, about what, and from when to when.
CREATE TABLE condition (
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    facts TEXT NOT NULL,
    PRIMARY KEY (code, subject, since)
) WITHOUT ROWID;

-- Up to where each file of the archive is synced and applied.
CREATE TABLE archive_file (
    path TEXT PRIMARY KEY,
    synced_bytes INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
) WITHOUT ROWID;

-- Stretches of the archive that could not be read; they are left in place.
CREATE TABLE damage (
    path TEXT NOT NULL,
    start_byte INTEGER NOT NULL,
    end_byte INTEGER NOT NULL,
    PRIMARY KEY (path, start_byte)
) WITHOUT ROWID;

-- Single values: applied_seq (the last number of the archive that is in here), last_seen_at (the
-- newest time in it), zone (the wearer's, IANA), applying_seq and applying_tries (see index.py).
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value
) WITHOUT ROWID;


-- Readings ----

-- Every reading. For speed, narrow by data_type and by instant (milliseconds): the texts are
-- computed for each row.
CREATE VIEW readings AS
SELECT
    s.data_type,
    s.field,
    s.unit,
    s.source,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.instant / 1000.0, 'unixepoch') AS at_utc,
    strftime('%Y-%m-%dT%H:%M:%f', r.instant / 1000.0 + s.utc_offset_s, 'unixepoch') AS at_local,
    r.value,
    r.duration_ms / 1000.0 AS duration_s,
    r.instant,
    s.utc_offset_s,
    s.ordinal
FROM series AS s
JOIN reading AS r ON r.series = s.id;

-- Hours of readings, in UTC, whatever the offset was.
CREATE VIEW hourly AS
SELECT
    s.data_type,
    s.field,
    s.unit,
    s.source,
    strftime('%Y-%m-%dT%H:%M:%SZ', h.hour / 1000, 'unixepoch') AS hour_utc,
    sum(h.n) AS n,
    sum(h.total) / CAST(sum(h.n) AS REAL) AS mean,
    min(h.low) AS low,
    max(h.high) AS high,
    sum(h.total) AS total
FROM series AS s
JOIN rollup_hour AS h ON h.series = s.id
GROUP BY s.data_type, s.field, s.unit, s.source, h.hour;

-- Civil days of readings. On a day with two offsets (a trip, a clock change) both count.
CREATE VIEW days AS
SELECT
    s.data_type,
    s.field,
    s.unit,
    s.source,
    d.day,
    sum(d.n) AS n,
    sum(d.total) / CAST(sum(d.n) AS REAL) AS mean,
    min(d.low) AS low,
    max(d.high) AS high,
    sum(d.total) AS total
FROM series AS s
JOIN rollup_day AS d ON d.series = s.id
GROUP BY s.data_type, s.field, s.unit, s.source, d.day;

-- Daily values as the provider gives them.
CREATE VIEW daily_values AS
SELECT d.data_type, d.field, f.unit, d.source, d.day, d.value
FROM daily AS d
LEFT JOIN field AS f ON f.data_type = d.data_type AND f.name = d.field;


-- Sessions ----

-- Every session with its texts; `labels` and `numbers` are JSON objects by name.
CREATE VIEW sessions AS
SELECT
    s.data_type,
    s.key,
    s.day,
    strftime('%Y-%m-%dT%H:%M:%SZ', s.start_ms / 1000, 'unixepoch') AS start_utc,
    strftime('%Y-%m-%dT%H:%M:%S', s.start_ms / 1000 + s.utc_offset_s, 'unixepoch') AS start_local,
    strftime('%Y-%m-%dT%H:%M:%SZ', s.end_ms / 1000, 'unixepoch') AS end_utc,
    strftime('%Y-%m-%dT%H:%M:%S', s.end_ms / 1000 + s.utc_offset_s, 'unixepoch') AS end_local,
    (s.end_ms - s.start_ms) / 1000.0 AS duration_s,
    (SELECT json_group_object(l.name, l.text) FROM session_label AS l WHERE l.session = s.id)
        AS labels,
    (SELECT json_group_object(v.name, v.value) FROM session_value AS v WHERE v.session = s.id)
        AS numbers,
    s.id AS session
FROM session AS s;

-- Nights and naps. The stages are seconds by the provider's words: deep, light, rem and wake, or
-- asleep, restless and awake where the watch could not tell more.
CREATE VIEW sleep AS
SELECT
    s.*,
    (SELECT json_group_object(t.label, t.length_s) FROM (
        SELECT p.label, sum(p.duration_ms) / 1000.0 AS length_s
        FROM session_part AS p
        WHERE p.session = s.session AND p.kind = 'stage'
        GROUP BY p.label
    ) AS t) AS stages_s
FROM sessions AS s
WHERE s.data_type = 'sleep';

-- The stretches of nights and naps. kind tells stages from short awakenings, which lie within them.
CREATE VIEW sleep_stages AS
SELECT
    s.key,
    s.day,
    p.ordinal,
    p.kind,
    p.label AS stage,
    strftime('%Y-%m-%dT%H:%M:%SZ', p.start_ms / 1000, 'unixepoch') AS start_utc,
    strftime('%Y-%m-%dT%H:%M:%S', p.start_ms / 1000 + s.utc_offset_s, 'unixepoch') AS start_local,
    p.duration_ms / 1000.0 AS duration_s
FROM session AS s
JOIN session_part AS p ON p.session = s.id
WHERE s.data_type = 'sleep';


-- What is known of the data ----

-- Days that were read, and whether they are final.
CREATE VIEW coverage_days AS
SELECT
    data_type,
    day,
    CASE settled WHEN 1 THEN 'settled' ELSE 'provisional' END AS state,
    whole,
    readings,
    strftime('%Y-%m-%dT%H:%M:%SZ', read_at / 1000, 'unixepoch') AS read_at_utc,
    strftime('%Y-%m-%dT%H:%M:%SZ', synced_at / 1000, 'unixepoch') AS synced_at_utc
FROM coverage;

-- How things stand now: the newest snapshot of each key that the provider still lists.
CREATE VIEW snapshots AS
SELECT
    data_type,
    key,
    strftime('%Y-%m-%dT%H:%M:%SZ', max(taken_at) / 1000, 'unixepoch') AS taken_at_utc,
    content
FROM snapshot
GROUP BY data_type, key
HAVING withdrawn_at IS NULL;
