-- The catalogue, including faulty items. Existing rows keep their stock.

INSERT INTO stock (item_id, available, price_cents, warehouse_latency_ms) VALUES
    ('item-123',      1000000, 1999,     0),
    ('item-sold-out',       0, 1999,     0),
    ('item-slow',     1000000, 1999,  1200), -- slow, but within checkout's timeout of 2 s
    ('item-stuck',    1000000, 1999, 30000), -- far beyond that timeout
    ('item-corrupt',       -1, 1999,     0)  -- invalid: a stock cannot be negative
ON CONFLICT (item_id) DO NOTHING;
