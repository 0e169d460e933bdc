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

-- Points that were not understood, by the first day of the window that they came with ('' without
-- one), until a later read of that day understands all.
CREATE TABLE unread (
    data_type TEXT NOT NULL,
    day TEXT NOT NULL,
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
