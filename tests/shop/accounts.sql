CREATE TABLE plans (code VARCHAR(20) PRIMARY KEY, title VARCHAR(60) NOT NULL);
CREATE TABLE accounts (
    id BIGINT PRIMARY KEY, company VARCHAR(120) NOT NULL, status VARCHAR(20) NOT NULL,
    plan_code VARCHAR(20), FOREIGN KEY (plan_code) REFERENCES plans (code));
CREATE TABLE users (
    id BIGINT PRIMARY KEY, account_id BIGINT NOT NULL, role VARCHAR(10) NOT NULL, email VARCHAR(120) NOT NULL UNIQUE,
    phone VARCHAR(40), full_name VARCHAR(120) NOT NULL, locale VARCHAR(10), language_note TEXT,
    FOREIGN KEY (account_id) REFERENCES accounts (id));
CREATE TABLE end_users (
    id BIGINT PRIMARY KEY, account_id BIGINT NOT NULL, email VARCHAR(120) NOT NULL, phone VARCHAR(40),
    full_name VARCHAR(120) NOT NULL, FOREIGN KEY (account_id) REFERENCES accounts (id));
