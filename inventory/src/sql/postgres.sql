-- The tables on PostgreSQL; sqlite.sql has the same. Run at every start, so each statement is idempotent.

-- `IF NOT EXISTS` and `OR REPLACE` fail when two sessions run them at once: services that start together take turns.
SELECT pg_advisory_xact_lock(8081);

-- "already exists, skipping" is no news.
SET LOCAL client_min_messages = warning;

CREATE TABLE IF NOT EXISTS stock (
    item_id              TEXT   NOT NULL PRIMARY KEY,
    available            BIGINT NOT NULL,
    price_cents          BIGINT NOT NULL,
    -- How long the item's warehouse takes to confirm what it has.
    warehouse_latency_ms BIGINT NOT NULL DEFAULT 0,
    -- The order that took from this row last.
    last_order_id        TEXT
);

CREATE TABLE IF NOT EXISTS reservations (
    order_id  TEXT   NOT NULL PRIMARY KEY,
    item_id   TEXT   NOT NULL,
    quantity  BIGINT NOT NULL,
    remaining BIGINT NOT NULL
);

-- One row that the readiness check overwrites after a failed write, to find out whether the disk is still full.
CREATE TABLE IF NOT EXISTS write_probe (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    padding TEXT   NOT NULL
);

-- Earlier versions kept the probe's row here. No order has an empty id.
DELETE FROM reservations WHERE order_id = '';

-- Writes down who took what, in the statement that takes it: both happen or neither does. An order that is there
-- already breaks the primary key, which undoes the whole statement.
CREATE OR REPLACE FUNCTION record_reservation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reservations (order_id, item_id, quantity, remaining)
    VALUES (NEW.last_order_id, NEW.item_id, OLD.available - NEW.available, NEW.available);
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER record_reservation
AFTER UPDATE OF last_order_id ON stock
FOR EACH ROW EXECUTE FUNCTION record_reservation();

-- Returns to the stock what a reservation no longer holds, in the statement that lets go of it. Quantity 0 is a reservation
-- that was released, or that must not be made any more.
CREATE OR REPLACE FUNCTION return_to_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock SET available = available + OLD.quantity - NEW.quantity WHERE item_id = NEW.item_id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER return_to_stock
AFTER UPDATE OF quantity ON reservations
FOR EACH ROW EXECUTE FUNCTION return_to_stock();
