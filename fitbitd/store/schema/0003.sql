-- What a record needs that proves how complete it is.

-- What let a settled day settle: 'sync', a device sync later than its end; 'age', because no sync
-- could be relied on and it may change no more. NULL while it may still change.
ALTER TABLE coverage ADD COLUMN settled_by TEXT;
UPDATE coverage SET settled_by = CASE WHEN synced_at IS NULL THEN 'age' ELSE 'sync' END
WHERE settled;

-- The few days that each pass looks for among those of years.
CREATE INDEX coverage_open ON coverage (data_type, day) WHERE NOT settled;
CREATE INDEX coverage_recheck ON coverage (data_type, day) WHERE recheck AND settled;

-- When each data type was first asked, whatever came of it: from then on no day may be missed.
CREATE TABLE first_asked (
    data_type TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO first_asked SELECT data_type, min(began_at) FROM pull GROUP BY data_type;

-- The wearer's zones (IANA), and since when each was seen.
CREATE TABLE zone (
    since INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);
INSERT INTO zone (since, name) SELECT 0, value FROM meta WHERE key = 'zone';


-- What is known of the data ----

-- Days that were read, and whether they are final. A final day that a deep look found changed is
-- provisional until it is read once more; what changes then is in `corrections` all the same.
DROP VIEW coverage_days;
CREATE VIEW coverage_days AS
SELECT
    data_type,
    day,
    CASE WHEN settled AND NOT recheck THEN 'settled' ELSE 'provisional' END AS state,
    settled_by,
    whole,
    readings,
    strftime('%Y-%m-%dT%H:%M:%SZ', read_at / 1000, 'unixepoch') AS read_at_utc,
    strftime('%Y-%m-%dT%H:%M:%SZ', synced_at / 1000, 'unixepoch') AS synced_at_utc
FROM coverage;

-- The zones in which the wearer was, each since it was first seen.
CREATE VIEW zones AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', since / 1000, 'unixepoch') AS since_utc, name AS zone
FROM zone;


-- Readings of several sources ----

-- As before, but of sources that are preferred equally the first by name: which of them came first
-- is not known to an index that was made anew from the reads that say most.
DROP VIEW preferred_readings;
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
        AND (better.preference, better.ordinal, better.source, better.utc_offset_s)
            < (s.preference, s.ordinal, s.source, s.utc_offset_s)
);
