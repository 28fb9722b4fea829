"""The SQL that makes the rows inside the database: each value is a hash of its number and the seed."""

from __future__ import annotations

from typing import LiteralString

# hashint8extended needs no sign: the lowest bits are masked out before they are used.
USERS: LiteralString = """
insert into users (id, email, name, created_at, updated_at, created_by, updated_by)
select n,
       'user' || n || '@example.org',
       'User ' || substr(md5(n || ':' || %(seed)s), 1, 12),
       timestamptz '2019-12-01 00:00:00+00' + n * interval '1 second',
       timestamptz '2019-12-01 00:00:00+00' + n * interval '1 second',
       'seed', 'seed'
from generate_series(1, %(users)s::bigint) n
"""

PRODUCTS: LiteralString = """
insert into products (id, sku, name, category, price, currency, stock, version,
                      created_at, updated_at, created_by, updated_by)
select n,
       'SKU-' || lpad(n::text, 8, '0'),
       'Product ' || substr(md5(n || ':' || %(seed)s), 1, 16),
       (array['office', 'kitchen', 'garden', 'workshop', 'bedroom'])[1 + h %% 5],
       (199 + (h >> 8) %% 9800)::numeric(12, 2) / 100,
       'EUR',
       ((h >> 24) %% 500)::int,
       1,
       timestamptz '2019-12-01 00:00:00+00' + n * interval '1 second',
       timestamptz '2019-12-01 00:00:00+00' + n * interval '1 second',
       'seed', 'seed'
from (select n, hashint8extended(n, %(seed)s) & 9223372036854775807 as h
      from generate_series(1, %(products)s::bigint) n) drawn
"""

LINES: LiteralString = """
insert into order_lines (id, order_id, position, product_id, quantity, unit_price, line_total,
                         created_at, updated_at, created_by, updated_by)
select row_number() over (order by drawn.n, drawn.position), drawn.n, drawn.position, products.id, drawn.quantity,
       products.price, drawn.quantity * products.price, drawn.placed_at, drawn.placed_at, 'seed', 'seed'
from (select n, position,
             1 + (hashint8extended(n * 4 + position, %(seed)s + 2) & 9223372036854775807) %% %(products)s as product_id,
             1 + ((h >> (position * 8)) %% 5)::int as quantity,
             timestamptz '2020-01-01 00:00:00+00' + (n - 1) / 3 * interval '20 seconds' as placed_at
      from (select n, hashint8extended(n, %(seed)s + 1) & 9223372036854775807 as h
            from generate_series(1, %(rows)s::bigint) n) hashed,
           generate_series(1, 1 + (h %% 3)::int) position) drawn
join products on products.id = drawn.product_id
"""

ORDERS: LiteralString = """
insert into orders (id, user_id, status, currency, total, pieces, placed_at, note, created_at, updated_at,
                    created_by, updated_by, deleted_at)
select n,
       1 + (h >> 16) %% %(users)s,
       (array['placed', 'paid', 'shipped', 'delivered'])[1 + h %% 4],
       'EUR',
       sums.total,
       sums.pieces,
       placed_at,
       case when (h >> 4) %% 4 = 0 then 'Note ' || (h >> 40) end,
       placed_at,
       placed_at,
       'seed', 'seed',
       case when (h >> 8) %% 100 < 6 then placed_at + interval '1 day' end
from (select order_id as n, sum(line_total) as total, sum(quantity)::int as pieces,
             timestamptz '2020-01-01 00:00:00+00' + (order_id - 1) / 3 * interval '20 seconds' as placed_at,
             hashint8extended(order_id, %(seed)s + 3) & 9223372036854775807 as h
      from order_lines group by order_id order by order_id) sums
"""

FILLS: tuple[LiteralString, ...] = (USERS, PRODUCTS, LINES, ORDERS)
"""In the order of their needs: totals of orders are sums of their lines."""

CONSTRAINTS: LiteralString = """
select conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) from pg_constraint
where conrelid = any(%(tables)s::regclass[]) and contype in ('p', 'u', 'f')
order by contype = 'f', conrelid::text, conname
"""
"""Primary keys before the foreign keys that need them."""

INDEXES: LiteralString = """
select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
where indrelid = any(%(tables)s::regclass[])
  and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u'))
order by 1
"""
