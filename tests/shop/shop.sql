CREATE TABLE orders (
    id BIGINT PRIMARY KEY, account_id BIGINT, user_id BIGINT, end_user_id BIGINT, placed_at TIMESTAMP NOT NULL,
    ship_name VARCHAR(120), ship_street VARCHAR(120), total_cents BIGINT NOT NULL);
CREATE TABLE order_lines (
    order_id BIGINT NOT NULL, line_no INT NOT NULL, article VARCHAR(60) NOT NULL, engraving VARCHAR(60),
    PRIMARY KEY (order_id, line_no), FOREIGN KEY (order_id) REFERENCES orders (id));
CREATE TABLE search_history (
    id BIGINT PRIMARY KEY, user_id BIGINT, end_user_id BIGINT, query VARCHAR(200) NOT NULL, searched_at TIMESTAMP NOT NULL);
CREATE TABLE sessions (
    id VARCHAR(36) PRIMARY KEY, user_id BIGINT, end_user_id BIGINT, ip_address VARCHAR(45), user_agent VARCHAR(200));
CREATE INDEX orders_user ON orders (user_id);
CREATE INDEX orders_end_user ON orders (end_user_id);
CREATE INDEX orders_account ON orders (account_id);
CREATE INDEX search_user ON search_history (user_id);
CREATE INDEX search_end_user ON search_history (end_user_id);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_end_user ON sessions (end_user_id);
