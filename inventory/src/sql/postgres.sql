-- The tables on PostgreSQL; sqlite.sql has the same. Run at every start, so each statement is idempotent.

-- Concurrent `IF NOT EXISTS` and `OR REPLACE` statements can fail, so services that start together take turns.
SELECT pg_advisory_xact_lock(8081);

-- Hides the notices "already exists, skipping".
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

-- Records the reservation in the statement that takes the stock: both happen or neither does. An order that already has
-- a row breaks the primary key, which undoes the whole statement.
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

-- Returns a released quantity to the stock, in the statement that releases it. Quantity 0 marks an order that was released
-- and cannot reserve any more.
CREATE OR REPLACE FUNCTION return_to_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock SET available = available + OLD.quantity - NEW.quantity WHERE item_id = NEW.item_id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER return_to_stock
AFTER UPDATE OF quantity ON reservations
FOR EACH ROW EXECUTE FUNCTION return_to_stock();
