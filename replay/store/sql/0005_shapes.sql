-- The newest version in which each event was written by whoever opened this history: a program
-- that is older than that can read it in part at best, and stops before it writes.
CREATE TABLE history.shapes (
    name text COLLATE "C" PRIMARY KEY,
    version int NOT NULL
);
