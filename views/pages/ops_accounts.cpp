// SPDX-License-Identifier: Apache-2.0
// The console's pages about accounts. In English, as the command line is.
#include "views/pages/ops_model.hpp"

namespace lyceum::views {
std::string console_accounts_page(const theme& look, const console_accounts& what, const console_visitor& who,
                                  std::string_view done) {
  auto own = console_frame("Accounts", who);
  own.merge(model::object{{"done", done},
                          {"wrong", what.wrong},
                          {"listed", what.listed},
                          {"has_rows", !what.rows.empty()},
                          {"rows", make_list(what.rows,
                                             [](const console_accounts::row& r) {
                                               return model::object{{"id", r.id},       {"address", r.address},
                                                                    {"name", r.name},   {"role", r.role},
                                                                    {"since", r.since}, {"suspended", r.suspended}};
                                             })},
                          {"more", what.more},
                          {"roles", pairs(what.roles, "title", "where")}});
  return look.render("ops_accounts", model{std::move(own)}, "en");
}

std::string console_account_page(const theme& look, const console_account& what, const console_visitor& who,
                                 std::string_view done) {
  auto own = console_frame(what.address, who);
  own.merge(model::object{
      {"id", what.id},
      {"done", done},
      {"facts", pairs(what.facts, "label", "value")},
      {"has_grants", !what.grants.empty()},
      {"grants", make_list(what.grants,
                           [&](const console_account::grant& g) {
                             return model::object{
                                 {"id", g.id},         {"plan", g.plan},
                                 {"source", g.source}, {"state", g.state},
                                 {"note", g.note},     {"may_take_back", g.may_take_back && who.may_act},
                                 {"account", what.id}, {"csrf", who.csrf}};
                           })},
      {"has_sessions", !what.sessions.empty()},
      {"sessions", make_list(what.sessions,
                             [&](const console_account::session& s) {
                               return model::object{{"id", s.id},       {"device", s.device}, {"peer", s.peer},
                                                    {"seen", s.seen},   {"since", s.since},   {"may_end", who.may_act},
                                                    {"csrf", who.csrf}, {"account", what.id}};
                             })},
      {"has_events", !what.events.empty()},
      {"events",
       make_list(what.events,
                 [](const console_account::event& e) {
                   return model::object{{"at", e.at}, {"who_did", e.who}, {"what", e.what}, {"detail", e.detail}};
                 })},
  });
  return look.render("ops_account", model{std::move(own)}, "en");
}

std::string console_data_ask_page(const theme& look, const console_data_question& what, const console_visitor& who,
                                  std::string_view wrong) {
  auto own = console_frame(what.title, who);
  own.merge(model::object{{"act", what.act},
                          {"back", what.back},
                          {"back_to", what.back_to},
                          {"button", what.button},
                          {"harsh", what.harsh},
                          {"typed", what.typed},
                          {"wrong", wrong},
                          {"facts", pairs(what.facts, "label", "value")},
                          {"fields", pairs(what.fields, "field", "value")}});
  return look.render("ops_data_ask", model{std::move(own)}, "en");
}

} // namespace lyceum::views
