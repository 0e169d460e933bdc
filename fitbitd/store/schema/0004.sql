-- What each pass asks for among the pulls and passes of years.
CREATE INDEX pull_skipped ON pull (id) WHERE reason = 'index_behind';
CREATE INDEX pass_quota ON pass (id) WHERE quota_limit IS NOT NULL;
