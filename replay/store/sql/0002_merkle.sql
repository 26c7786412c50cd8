-- A Merkle tree over all facts in order (RFC 9162): its frontier moves with every batch.
-- docs/proofs.md has the bytes of a leaf.

CREATE FUNCTION history.leaf(
    pos bigint, version bigint, at timestamptz, stream text, name text, state bytea
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT int8send(pos) || int8send(version) || timestamptz_send(at)
        || int4send(octet_length(stream)) || convert_to(stream, 'UTF8')
        || int4send(octet_length(name)) || convert_to(name, 'UTF8') || state
$$;

-- Whose history it is: a copy or a restored backup goes on being the same log.
ALTER TABLE history.head ADD COLUMN log uuid NOT NULL DEFAULT gen_random_uuid();
-- The roots of the complete subtrees of the tree, the largest first.
ALTER TABLE history.head ADD COLUMN frontier bytea[] NOT NULL DEFAULT '{}';

-- Roots of complete subtrees of 256 leaves and more, so that a proof reads little.
CREATE TABLE history.nodes (
    level int NOT NULL,
    index bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (level, index)
);

CREATE TABLE history.checkpoints (
    size bigint PRIMARY KEY,
    root bytea NOT NULL,
    frontier bytea[] NOT NULL,
    note text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);

-- The frontier after some more leaves, given as their hashes, in order.
CREATE FUNCTION history.grown(size bigint, frontier bytea[], leaves bytea[]) RETURNS bytea[]
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    node bytea;
    rest bigint;
    level int;
    top int := cardinality(frontier);
BEGIN
    FOREACH node IN ARRAY leaves LOOP
        rest := size;
        level := 0;
        WHILE rest & 1 = 1 LOOP
            node := sha256('\x01'::bytea || frontier[top] || node);
            top := top - 1;
            rest := rest >> 1;
            level := level + 1;
            IF level >= 8 THEN
                INSERT INTO history.nodes VALUES (level, rest, node);
            END IF;
        END LOOP;
        top := top + 1;
        frontier[top] := node;
        size := size + 1;
    END LOOP;
    RETURN frontier[1:top];
END
$$;

-- What was recorded before there was a tree.
UPDATE history.head SET frontier = history.grown(0, '{}', leaves.hashes)
FROM (
    SELECT array_agg(sha256('\x00'::bytea || history.leaf(
        notification_id, originator_version, at, originator_id, topic, state
    )) ORDER BY notification_id) AS hashes
    FROM history.events
) AS leaves
WHERE position > 0;

-- Takes the lock for the rest of the transaction, and says which commands of a batch are not to
-- be written: a row for each whose key is known already, or that saw a stream which has moved.
-- Commands are numbered from 1; `keyed_*` is about those that have an Idempotency-Key.  A command
-- saw its stream at version `seen_version`, 0 if it has no event; a negative number -n-1 lets it
-- be at any version below n.
CREATE FUNCTION history.judged(
    keyed_command int[], keyed_by text[], keyed_key text[], keyed_digest bytea[],
    seen_command int[], seen_stream text[], seen_version bigint[]
) RETURNS TABLE (command int, answer text, first bigint, last bigint)
LANGUAGE plpgsql SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    refused int[] := '{}';
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

    answer := 'stale';
    FOR command IN
        SELECT asked.n
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
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

-- One batch, one transaction, one round trip.  Every command of the batch is written whole or
-- refused alone.  `sizes` says how many events each has.
-- Answers a row for each command that was not written, then one row (command 0) for the rest.
CREATE OR REPLACE FUNCTION history.append(
    now timestamptz, sizes int[],
    keyed_command int[], keyed_by text[], keyed_key text[], keyed_digest bytea[],
    keyed_cause text[],
    seen_command int[], seen_stream text[], seen_version bigint[],
    event_command int[], event_stream text[], event_version bigint[], event_topic text[],
    event_state bytea[]
) RETURNS TABLE (command int, answer text, first bigint, last bigint, stamp timestamptz)
LANGUAGE plpgsql SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    refused int[] := '{}';
    base bigint;
    added bigint;
    leaves bytea[];
BEGIN
    FOR command, answer, first, last IN
        SELECT judged.* FROM history.judged(
            keyed_command, keyed_by, keyed_key, keyed_digest,
            seen_command, seen_stream, seen_version
        ) AS judged
    LOOP
        refused := refused || command;
        RETURN NEXT;
    END LOOP;

    SELECT head.position, greatest(head.at, now) INTO base, stamp FROM history.head;

    WITH placed AS (
        INSERT INTO history.events AS e
            (originator_id, originator_version, topic, state, notification_id, at)
        SELECT new.stream, new.version, new.topic, new.state,
            base + CASE WHEN refused = '{}' THEN new.n
                ELSE new.n - (SELECT coalesce(sum(sizes[r]), 0)
                    FROM unnest(refused) AS r WHERE r < new.command) END, stamp
        FROM unnest(event_command, event_stream, event_version, event_topic, event_state)
            WITH ORDINALITY AS new (command, stream, version, topic, state, n)
        WHERE NOT new.command = ANY (refused)
        RETURNING e.*
    )
    SELECT count(*), array_agg(sha256('\x00'::bytea || history.leaf(
        placed.notification_id, placed.originator_version, placed.at,
        placed.originator_id, placed.topic, placed.state
    )) ORDER BY placed.notification_id)
    INTO added, leaves FROM placed;

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
        UPDATE history.head SET position = base + added, at = stamp,
            frontier = history.grown(base, frontier, leaves);
        PERFORM pg_notify('history', (base + added)::text);
    END IF;

    command := 0;
    answer := 'written';
    first := base + 1;
    last := base + added;
    RETURN NEXT;
END
$$;

-- The end of a batch that was copied in by a client which holds the lock: the head moves.
CREATE FUNCTION history.advance(
    base bigint, added bigint, stamp timestamptz, peaks bytea[],
    node_level int[], node_index bigint[], node_hash bytea[]
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO history.nodes SELECT * FROM unnest(node_level, node_index, node_hash);
    UPDATE history.head SET position = base + added, at = stamp, frontier = peaks
    WHERE position = base AND at <= stamp AND bit_count(int8send(base + added)) = cardinality(peaks);
    IF NOT found THEN
        RAISE 'the head is not at %', base;
    END IF;
    PERFORM pg_notify('history', (base + added)::text);
END
$$;
