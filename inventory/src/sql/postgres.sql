-- The tables on PostgreSQL; sqlite.sql creates the same tables. Runs at every start, so each statement is idempotent.

-- Concurrent `IF NOT EXISTS` and `OR REPLACE` statements can fail, so services that start at the same time take turns.
SELECT pg_advisory_xact_lock(8081);

-- Hides the notices "already exists, skipping".
SET LOCAL client_min_messages = warning;

CREATE TABLE IF NOT EXISTS stock (
    item_id              TEXT   NOT NULL PRIMARY KEY,
    available            BIGINT NOT NULL,
    price_cents          BIGINT NOT NULL,
    -- The time that the item's warehouse takes to confirm its stock.
    warehouse_latency_ms BIGINT NOT NULL DEFAULT 0,
    -- The last order that reserved this item.
    last_order_id        TEXT
);

CREATE TABLE IF NOT EXISTS reservations (
    order_id  TEXT   NOT NULL PRIMARY KEY,
    item_id   TEXT   NOT NULL,
    quantity  BIGINT NOT NULL,
    remaining BIGINT NOT NULL
);

-- A table of one row, which the readiness check overwrites after a failed write, to detect whether the disk is still
-- full.
CREATE TABLE IF NOT EXISTS write_probe (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    padding TEXT   NOT NULL
);

-- Earlier versions stored the row of the readiness check in `reservations`, with an empty order id. No order has an
-- empty id.
DELETE FROM reservations WHERE order_id = '';

-- Records the reservation in the same statement that reduces the stock, so both happen or neither does. If the order
-- already has a row, the primary key rejects the whole statement.
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

-- Returns the quantity of a released reservation to the stock, in the same statement that releases the reservation.
-- Quantity 0 marks a released order, which cannot reserve again.
CREATE OR REPLACE FUNCTION return_to_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock SET available = available + OLD.quantity - NEW.quantity WHERE item_id = NEW.item_id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER return_to_stock
AFTER UPDATE OF quantity ON reservations
FOR EACH ROW EXECUTE FUNCTION return_to_stock();
