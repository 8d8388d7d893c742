-- What operators look at: the newest of a template, and of one in a state. (state, id) is there already.
DROP INDEX mail_outbox_templates;
CREATE INDEX mail_outbox_templates ON mail_outbox (template_name, id);
CREATE INDEX mail_outbox_template_states ON mail_outbox (template_name, state, id);
