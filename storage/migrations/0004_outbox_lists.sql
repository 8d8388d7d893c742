-- What operators look at: the newest of a template, and of one in a state. (state, id) is there already.
-- An index may go while an older server still runs beside this one: it reads more slowly for a moment, and nothing else.
DROP INDEX mail_outbox_templates;
CREATE INDEX mail_outbox_templates ON mail_outbox (template_name, id);
CREATE INDEX mail_outbox_template_states ON mail_outbox (template_name, state, id);
