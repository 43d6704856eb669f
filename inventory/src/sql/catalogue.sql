-- The catalogue, and its faults as data. An item that is there already keeps its stock.

INSERT INTO stock (item_id, available, price_cents, warehouse_latency_ms) VALUES
    ('item-123',      1000000, 1999,     0),
    ('item-sold-out',       0, 1999,     0),
    ('item-slow',     1000000, 1999,  1200), -- slow, yet within checkout's patience of 2 s
    ('item-stuck',    1000000, 1999, 30000), -- far beyond it
    ('item-corrupt',       -1, 1999,     0)  -- there is no such thing as -1 in stock
ON CONFLICT (item_id) DO NOTHING;
