-- The events, in the shape of the eventsourcing library, and when each was recorded.
CREATE TABLE history.events (
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    state bytea NOT NULL,
    notification_id bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);
CREATE UNIQUE INDEX events_notification_id_idx ON history.events (notification_id);

-- The last position given out.  A row, not a sequence: what is rolled back leaves no gap.
CREATE TABLE history.head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL,
    at timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO history.head (position, at) VALUES (0, '-infinity');

-- What each Idempotency-Key led to; first > last when it led to no event.
CREATE TABLE history.commands (
    by text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    cause text COLLATE "C" NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (by, key)
);

-- The last position recorded at or before an instant: times never go back along positions, and
-- positions have no gap, so halving finds it without an index on the time.
CREATE FUNCTION history.moment(instant timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
    early boolean;
BEGIN
    SELECT position INTO high FROM history.head;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        SELECT e.at <= instant INTO early FROM history.events AS e
            WHERE e.notification_id = middle;
        IF early THEN low := middle; ELSE high := middle - 1; END IF;
    END LOOP;
    RETURN low;
END
$$;

-- One batch, one transaction, one round trip.  Every command of the batch is written whole or
-- refused alone: its key is known already, or a stream has moved since the command saw it.
-- Commands are numbered from 1; `sizes` says how many events each has, `keyed_*` is about those
-- that have an Idempotency-Key.  A command saw its stream at version `seen_version`, 0 if it has
-- no event; a negative number -n-1 lets it be at any version below n.
-- Answers a row for each command that was not written, then one row (command 0) for the rest.
CREATE FUNCTION history.append(
    now timestamptz, sizes int[],
    keyed_command int[], keyed_by text[], keyed_key text[], keyed_digest bytea[],
    keyed_cause text[],
    seen_command int[], seen_stream text[], seen_version bigint[],
    event_command int[], event_stream text[], event_version bigint[], event_topic text[],
    event_state bytea[]
) RETURNS TABLE (command int, answer text, first bigint, last bigint, stamp timestamptz)
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    refused int[] := '{}';
    base bigint;
    added bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('wattledger history', 0));

    IF cardinality(keyed_key) > 0 THEN
        FOR command, answer, first, last IN
            SELECT asked.n, CASE WHEN done.digest = asked.digest THEN 'repeated' ELSE 'reused' END,
                done.first, done.last
            FROM unnest(keyed_command, keyed_by, keyed_key, keyed_digest)
                AS asked (n, by, key, digest)
            JOIN history.commands AS done ON done.by = asked.by AND done.key = asked.key
        LOOP
            refused := refused || command;
            RETURN NEXT;
        END LOOP;
        first := NULL;
        last := NULL;
    END IF;

    FOR command IN
        SELECT DISTINCT asked.n
        FROM unnest(seen_command, seen_stream, seen_version) AS asked (n, stream, version)
        LEFT JOIN LATERAL (
            SELECT e.originator_version AS version FROM history.events AS e
            WHERE e.originator_id = asked.stream
            ORDER BY e.originator_version DESC LIMIT 1
        ) AS newest ON true
        WHERE CASE WHEN asked.version >= 0 THEN coalesce(newest.version, 0) <> asked.version
            ELSE newest.version >= -asked.version - 1 END
    LOOP
        IF NOT command = ANY (refused) THEN
            refused := refused || command;
            answer := 'stale';
            RETURN NEXT;
        END IF;
    END LOOP;

    SELECT head.position, greatest(head.at, now) INTO base, stamp FROM history.head;

    INSERT INTO history.events
        (originator_id, originator_version, topic, state, notification_id, at)
    SELECT new.stream, new.version, new.topic, new.state,
        base + row_number() OVER (ORDER BY new.n), stamp
    FROM unnest(event_command, event_stream, event_version, event_topic, event_state)
        WITH ORDINALITY AS new (command, stream, version, topic, state, n)
    WHERE NOT new.command = ANY (refused);
    GET DIAGNOSTICS added = ROW_COUNT;

    IF cardinality(keyed_key) > 0 THEN
        INSERT INTO history.commands (by, key, digest, cause, first, last)
        SELECT asked.by, asked.key, asked.digest, asked.cause,
            base + placed.upto - placed.size + 1, base + placed.upto
        FROM unnest(keyed_command, keyed_by, keyed_key, keyed_digest, keyed_cause)
            AS asked (n, by, key, digest, cause)
        JOIN (
            SELECT each.n, each.size, sum(each.size) OVER (ORDER BY each.n) AS upto
            FROM unnest(sizes) WITH ORDINALITY AS each (size, n)
            WHERE NOT each.n = ANY (refused)
        ) AS placed ON placed.n = asked.n;
    END IF;

    IF added > 0 THEN
        UPDATE history.head SET position = base + added, at = stamp;
        PERFORM pg_notify('history', (base + added)::text);
    END IF;

    command := 0;
    answer := 'written';
    first := base + 1;
    last := base + added;
    RETURN NEXT;
END
$$;
