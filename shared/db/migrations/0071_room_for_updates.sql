-- Half of each page is left free, so that a changed row's next version stays beside it and no index is written: nearly all that is written to these
-- tables changes a row that is there (docs/performance.md). Takes no lock that a writer waits for, and rewrites nothing: pages that are full stay so.
ALTER TABLE work SET (fillfactor = 50);
ALTER TABLE worker_minutes SET (fillfactor = 50);
