-- What a provider with several sources, corrected days, files and limits of its own needs.

-- Of several sources at one instant, the one with the least preference is shown first.
ALTER TABLE series ADD COLUMN preference INTEGER NOT NULL DEFAULT 0;

-- The same quantity in the account that another one continues, as data_type.field.
ALTER TABLE field ADD COLUMN legacy TEXT NOT NULL DEFAULT '';

-- Points of a pull that were not understood, and the session whose file it asked for.
ALTER TABLE pull ADD COLUMN unread INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pull ADD COLUMN item TEXT NOT NULL DEFAULT '';

-- recheck = 1: a settled day whose hourly values moved since; it is read once more.
ALTER TABLE coverage ADD COLUMN recheck INTEGER NOT NULL DEFAULT 0;

-- What changed on a day that was settled: what stood there (NULL: nothing) and what stands there
-- now (NULL: it was withdrawn). field and source are of readings and daily values, key of sessions,
-- whose old and new are JSON. instant is NULL for daily values.
CREATE TABLE correction (
    id INTEGER PRIMARY KEY,
    data_type TEXT NOT NULL,
    day TEXT NOT NULL,
    field TEXT NOT NULL,
    source TEXT NOT NULL,
    utc_offset_s INTEGER,
    key TEXT NOT NULL,
    instant INTEGER,
    old,
    new,
    pull INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
);
CREATE INDEX correction_by_day ON correction (data_type, day);

-- Points that were not understood, by the first and the last day of the window that they came with
-- ('' without one), until later reads of those days understand all.
CREATE TABLE unread (
    data_type TEXT NOT NULL,
    day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    count INTEGER NOT NULL,
    why TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (data_type, day)
) WITHOUT ROWID;

-- What replies taught about how a data type is to be asked.
CREATE TABLE lesson (
    data_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    learnt_at INTEGER NOT NULL,
    PRIMARY KEY (data_type, kind)
) WITHOUT ROWID;

-- The file of a session (the track of a workout): its bytes are the body of the line `seq` of the
-- archive's file `path`.
CREATE TABLE file (
    data_type TEXT NOT NULL,
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    path TEXT NOT NULL,
    seq INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (data_type, key)
) WITHOUT ROWID;

-- How many points a day and a page of a data type hold: it rises at once with what was seen last,
-- and sinks slowly.
CREATE TABLE density (
    data_type TEXT PRIMARY KEY,
    points_a_day REAL,
    points_a_page REAL
) WITHOUT ROWID;

-- A window on the instant axis selects sessions by one of their ends.
CREATE INDEX session_by_start ON session (data_type, start_ms);
CREATE INDEX session_by_end ON session (data_type, end_ms);


-- Readings of several sources ----

-- One value at each instant of a field, where `readings` shows those of all sources: the least
-- preference first, then the first that came. Sources that count by intervals of other lengths
-- (a phone by the quarter of an hour beside a watch by the minute) share no instants, and both
-- stay: choose by `source` before you add up.
CREATE VIEW preferred_readings AS
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
JOIN reading AS r ON r.series = s.id
WHERE NOT EXISTS (
    SELECT 1
    FROM series AS better
    JOIN reading AS other ON other.series = better.id AND other.instant = r.instant
    WHERE better.data_type = s.data_type
        AND better.field = s.field
        AND (better.preference, better.ordinal, better.id) < (s.preference, s.ordinal, s.id)
);


-- Exercise ----

-- Workouts, with their splits and events as a JSON array in the provider's order.
CREATE VIEW exercises AS
SELECT
    s.*,
    (SELECT json_group_array(json_object(
        'kind', p.kind, 'label', p.label, 'start_utc', p.start_utc, 'duration_s', p.duration_s
    )) FROM (
        SELECT
            kind,
            label,
            strftime('%Y-%m-%dT%H:%M:%SZ', start_ms / 1000, 'unixepoch') AS start_utc,
            duration_ms / 1000.0 AS duration_s
        FROM session_part
        WHERE session = s.session
        ORDER BY ordinal
    ) AS p) AS parts
FROM sessions AS s
WHERE s.data_type = 'exercise';

-- The same parts, one a row.
CREATE VIEW exercise_parts AS
SELECT
    s.key,
    s.day,
    p.ordinal,
    p.kind,
    p.label,
    strftime('%Y-%m-%dT%H:%M:%SZ', p.start_ms / 1000, 'unixepoch') AS start_utc,
    strftime('%Y-%m-%dT%H:%M:%S', p.start_ms / 1000 + s.utc_offset_s, 'unixepoch') AS start_local,
    p.duration_ms / 1000.0 AS duration_s
FROM session AS s
JOIN session_part AS p ON p.session = s.id
WHERE s.data_type = 'exercise';

-- Files that belong to sessions; `fitbitd export` writes them out of the archive.
CREATE VIEW files AS
SELECT
    data_type,
    key,
    media_type,
    size_bytes,
    strftime('%Y-%m-%dT%H:%M:%SZ', taken_at / 1000, 'unixepoch') AS taken_at_utc
FROM file;


-- What changed late, and what was not understood ----

-- Settled days that changed all the same; change is added, changed or withdrawn.
CREATE VIEW corrections AS
SELECT
    c.data_type,
    c.day,
    CASE WHEN c.old IS NULL THEN 'added' WHEN c.new IS NULL THEN 'withdrawn' ELSE 'changed' END
        AS change,
    c.field,
    f.unit,
    c.source,
    c.key,
    strftime('%Y-%m-%dT%H:%M:%fZ', c.instant / 1000.0, 'unixepoch') AS at_utc,
    strftime('%Y-%m-%dT%H:%M:%f', c.instant / 1000.0 + c.utc_offset_s, 'unixepoch') AS at_local,
    c.old,
    c.new,
    strftime('%Y-%m-%dT%H:%M:%SZ', c.seen_at / 1000, 'unixepoch') AS seen_at_utc
FROM correction AS c
LEFT JOIN field AS f ON f.data_type = c.data_type AND f.name = c.field;

-- Points that are in the archive and not in here, because they were not understood.
CREATE VIEW unread_points AS
SELECT
    data_type,
    day,
    count,
    why,
    strftime('%Y-%m-%dT%H:%M:%SZ', first_at / 1000, 'unixepoch') AS first_at_utc,
    strftime('%Y-%m-%dT%H:%M:%SZ', last_at / 1000, 'unixepoch') AS last_at_utc
FROM unread;

-- What the provider corrected of how its data types are asked.
CREATE VIEW lessons AS
SELECT
    data_type,
    kind,
    value,
    strftime('%Y-%m-%dT%H:%M:%SZ', learnt_at / 1000, 'unixepoch') AS learnt_at_utc
FROM lesson;
