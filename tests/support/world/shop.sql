-- Four accounts, each with an owner, a user, an end-user and two orders of the owner.
CREATE TABLE accounts (id TEXT NOT NULL PRIMARY KEY, company TEXT NOT NULL);
CREATE TABLE users (id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts (id), role TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL, phone TEXT);
CREATE TABLE end_users (id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts (id),
  email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL, phone TEXT);
CREATE TABLE orders (id TEXT NOT NULL PRIMARY KEY, user_id TEXT, placed_at {day} NOT NULL, ship_name TEXT, ship_street TEXT);
INSERT INTO accounts VALUES ('a1', 'First Ltd'), ('a2', 'Second Ltd'), ('a3', 'Third Ltd'), ('a4', 'Fourth Ltd');
INSERT INTO users VALUES
  ('u1', 'a1', 'owner', 'owner1@team.example', 'Olga One', '+1 555 0101'),
  ('u2', 'a2', 'owner', 'owner2@team.example', 'Otto Two', '+1 555 0102'),
  ('u3', 'a3', 'owner', 'owner3@team.example', 'Orla Three', '+1 555 0103'),
  ('u4', 'a4', 'owner', 'owner4@team.example', 'Odin Four', '+1 555 0104'),
  ('u5', 'a1', 'user', 'user1@team.example', 'Una One', NULL);
INSERT INTO end_users VALUES ('e1', 'a1', 'guest1@guest.example', 'Gina One', NULL);
INSERT INTO orders VALUES ('o1', 'u1', '2026-02-01', 'Olga One', 'Elm Street 1'), ('o2', 'u2', '2026-02-02', 'Otto Two', 'Elm Street 2'),
  ('o3', 'u3', '2026-02-03', 'Orla Three', 'Elm Street 3'), ('o4', 'u4', '2026-02-04', 'Odin Four', 'Elm Street 4');
