-- A shop with 3,000 customers, 8,000 orders and 500 notifications: the same rows on every machine, by arithmetic alone. All of them are made up.
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  first_name TEXT NOT NULL,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  city TEXT NOT NULL,
  language TEXT NOT NULL,
  created_on TEXT NOT NULL
) STRICT;

CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  ordered_on TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('new', 'paid', 'shipped', 'delivered', 'returned')),
  total_cents INTEGER NOT NULL CHECK (total_cents > 0)
) STRICT;

CREATE TABLE notifications (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  channel TEXT NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  run_id TEXT,
  -- The same call, made again after a crash, breaks this constraint instead of reaching the customer twice.
  idempotency_key TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

CREATE TEMP TABLE first_names (n INTEGER PRIMARY KEY, name TEXT NOT NULL, ascii TEXT NOT NULL, language TEXT NOT NULL);
INSERT INTO first_names (n, name, ascii, language) VALUES
  (0, 'Ana', 'ana', 'ro'), (1, 'Ștefan', 'stefan', 'ro'), (2, 'Ioana', 'ioana', 'ro'), (3, 'Răzvan', 'razvan', 'ro'),
  (4, 'Zoë', 'zoe', 'nl'), (5, 'Björn', 'bjorn', 'sv'), (6, 'Åsa', 'asa', 'sv'), (7, 'José', 'jose', 'es'),
  (8, 'Núria', 'nuria', 'es'), (9, 'François', 'francois', 'fr'), (10, 'Chloé', 'chloe', 'fr'), (11, 'Łukasz', 'lukasz', 'pl'),
  (12, 'Małgorzata', 'malgorzata', 'pl'), (13, 'Jürgen', 'jurgen', 'de'), (14, 'Käthe', 'kathe', 'de'), (15, 'Ondřej', 'ondrej', 'cs'),
  (16, 'Şebnem', 'sebnem', 'tr'), (17, 'Gül', 'gul', 'tr'), (18, 'João', 'joao', 'pt'), (19, 'Inês', 'ines', 'pt'),
  (20, 'Mia', 'mia', 'en'), (21, 'Oliver', 'oliver', 'en'), (22, 'Søren', 'soren', 'da'), (23, 'Eszter', 'eszter', 'hu');

CREATE TEMP TABLE last_names (n INTEGER PRIMARY KEY, name TEXT NOT NULL, ascii TEXT NOT NULL);
INSERT INTO last_names (n, name, ascii) VALUES
  (0, 'Pop', 'pop'), (1, 'Ionescu', 'ionescu'), (2, 'Țurcanu', 'turcanu'), (3, 'Brâncuș', 'brancus'), (4, 'Bălan', 'balan'),
  (5, 'Nowak', 'nowak'), (6, 'Wiśniewska', 'wisniewska'), (7, 'Müller', 'muller'), (8, 'Weiß', 'weiss'), (9, 'Dvořák', 'dvorak'),
  (10, 'García', 'garcia'), (11, 'Muñoz', 'munoz'), (12, 'Lefèvre', 'lefevre'), (13, 'Çelik', 'celik'), (14, 'Yıldız', 'yildiz'),
  (15, 'Gonçalves', 'goncalves'), (16, 'Østergaard', 'ostergaard'), (17, 'Sjöberg', 'sjoberg'), (18, 'Szabó', 'szabo'), (19, 'O''Brien', 'obrien'),
  (20, 'van den Berg', 'vandenberg'), (21, 'Taylor', 'taylor'), (22, 'Horváth', 'horvath'), (23, 'Kovač', 'kovac'), (24, 'Jørgensen', 'jorgensen');

CREATE TEMP TABLE cities (n INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO cities (n, name) VALUES
  (0, 'Cluj-Napoca'), (1, 'Iași'), (2, 'Kraków'), (3, 'Malmö'), (4, 'Köln'), (5, 'Brno'), (6, 'A Coruña'), (7, 'Besançon'), (8, 'Eskişehir'), (9, 'Setúbal'), (10, 'Győr');

-- The e-mail bears the running number, so that each is unique; only Ana Pop, number 1,847, has hers to herself.
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 3000),
who (n, f, l) AS (
  SELECT n, CASE n WHEN 1847 THEN 0 ELSE (n * 7) % 24 END, CASE n WHEN 1847 THEN 0 ELSE (n * 11 + n / 25) % 25 END FROM number
)
INSERT INTO customers (id, first_name, name, email, city, language, created_on)
SELECT
  10000 + who.n * 3 + (who.n * who.n) % 3,
  f.name,
  f.name || ' ' || l.name,
  CASE who.n WHEN 1847 THEN 'ana.pop@example.com' ELSE f.ascii || '.' || l.ascii || who.n || '@example.' || CASE who.n % 3 WHEN 0 THEN 'com' WHEN 1 THEN 'org' ELSE 'net' END END,
  c.name,
  f.language,
  date('2021-01-01', '+' || ((who.n * 37) % 1500) || ' days')
FROM who
JOIN first_names f ON f.n = who.f
JOIN last_names l ON l.n = who.l
JOIN cities c ON c.n = (who.n * 5) % 11
ORDER BY who.n;

CREATE TEMP TABLE numbered AS SELECT row_number() OVER (ORDER BY id) AS n, id, created_on FROM customers;
CREATE UNIQUE INDEX temp.numbered_n ON numbered (n);

WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 8000)
INSERT INTO orders (id, customer_id, ordered_on, status, total_cents)
SELECT
  500000 + number.n,
  c.id,
  date(c.created_on, '+' || ((number.n * 29) % 540) || ' days'),
  CASE number.n % 10 WHEN 0 THEN 'new' WHEN 1 THEN 'paid' WHEN 2 THEN 'shipped' WHEN 3 THEN 'returned' ELSE 'delivered' END,
  499 + (number.n * 7919) % 24500
FROM number
JOIN numbered c ON c.n = 1 + (number.n * 1201) % 3000;

WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 500)
INSERT INTO notifications (id, customer_id, channel, subject, body, run_id, idempotency_key, created_at)
SELECT
  number.n,
  c.id,
  CASE number.n % 3 WHEN 0 THEN 'email' WHEN 1 THEN 'sms' ELSE 'push' END,
  CASE number.n % 4 WHEN 0 THEN 'Your order has been shipped' WHEN 1 THEN 'Your invoice' WHEN 2 THEN 'How did you like it?' ELSE 'We have news for you' END,
  'Generated notification ' || number.n || '.',
  NULL,
  'seed-' || number.n,
  strftime('%Y-%m-%dT%H:%M:%SZ', c.created_on, '+' || ((number.n * 13) % 300) || ' days')
FROM number
JOIN numbered c ON c.n = 1 + (number.n * 613) % 3000;

CREATE INDEX orders_customer ON orders (customer_id, ordered_on);
CREATE INDEX notifications_customer ON notifications (customer_id);
CREATE INDEX notifications_run ON notifications (run_id);

DROP TABLE first_names;
DROP TABLE last_names;
DROP TABLE cities;
DROP TABLE numbered;
