CREATE TABLE contacts (
    id BIGINT PRIMARY KEY, customer_ref VARCHAR(40), end_user_ref VARCHAR(40), email VARCHAR(120), nickname VARCHAR(60));
CREATE TABLE tickets (
    id BIGINT PRIMARY KEY, contact_id BIGINT NOT NULL, assignee_ref VARCHAR(40), body TEXT NOT NULL,
    FOREIGN KEY (contact_id) REFERENCES contacts (id));
CREATE TABLE notes (
    id BIGINT PRIMARY KEY, ticket_id BIGINT NOT NULL, parent_id BIGINT, body TEXT NOT NULL,
    FOREIGN KEY (ticket_id) REFERENCES tickets (id), FOREIGN KEY (parent_id) REFERENCES notes (id));
CREATE INDEX contacts_customer ON contacts (customer_ref);
CREATE INDEX contacts_end_user ON contacts (end_user_ref);
CREATE INDEX tickets_assignee ON tickets (assignee_ref);
