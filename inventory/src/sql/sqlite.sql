-- The tables on SQLite; postgres.sql creates the same tables. Runs at every start, so each statement is idempotent.

CREATE TABLE IF NOT EXISTS stock (
    item_id              TEXT    NOT NULL PRIMARY KEY,
    available            INTEGER NOT NULL,
    price_cents          INTEGER NOT NULL,
    -- The time that the item's warehouse takes to confirm its stock.
    warehouse_latency_ms INTEGER NOT NULL DEFAULT 0,
    -- The last order that reserved this item.
    last_order_id        TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS reservations (
    order_id  TEXT    NOT NULL PRIMARY KEY,
    item_id   TEXT    NOT NULL,
    quantity  INTEGER NOT NULL,
    remaining INTEGER NOT NULL
) STRICT;

-- A table of one row, which the readiness check overwrites after a failed write, to detect whether the disk is still
-- full.
CREATE TABLE IF NOT EXISTS write_probe (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    padding TEXT    NOT NULL
) STRICT;

-- Earlier versions stored the row of the readiness check in `reservations`, with an empty order id. No order has an
-- empty id.
DELETE FROM reservations WHERE order_id = '';

-- Records the reservation in the same statement that reduces the stock, so both happen or neither does. If the order
-- already has a row, the primary key rejects the whole statement.
CREATE TRIGGER IF NOT EXISTS record_reservation
AFTER UPDATE OF last_order_id ON stock
BEGIN
    INSERT INTO reservations (order_id, item_id, quantity, remaining)
    VALUES (NEW.last_order_id, NEW.item_id, OLD.available - NEW.available, NEW.available);
END;

-- Returns the quantity of a released reservation to the stock, in the same statement that releases the reservation.
-- Quantity 0 marks a released order, which cannot reserve again.
CREATE TRIGGER IF NOT EXISTS return_to_stock
AFTER UPDATE OF quantity ON reservations
BEGIN
    UPDATE stock SET available = available + OLD.quantity - NEW.quantity WHERE item_id = NEW.item_id;
END;
