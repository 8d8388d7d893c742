// SPDX-License-Identifier: Apache-2.0
// The console's pages about mail. In English, as the command line is.
#include "views/pages/ops_model.hpp"

namespace lyceum::views {
namespace {

model::object kind_of(const console_mails::kind& k, const console_visitor& who) {
  return {{"name", k.name},
          {"title", k.name.empty() ? "All mail" : k.name},
          {"paused", k.paused},
          {"may_act", who.may_act},
          {"retries_failed", k.has_failed && who.may_act},
          {"csrf", who.csrf},
          {"empty", k.counts.empty()},
          {"counts", make_list(k.counts, [](const console_mails::count& c) {
             return model::object{{"text", c.text}, {"tone", c.tone}, {"where", c.where}, {"shown", c.shown}};
           })}};
}

model::object row_of(const console_mails::row& r) {
  return {{"id", r.id},     {"kind", r.kind}, {"to", r.to},        {"state", r.state},
          {"tone", r.tone}, {"when", r.when}, {"reason", r.reason}};
}

} // namespace

std::string console_mails_page(const theme& look, const console_mails& what, const console_visitor& who,
                               std::string_view done) {
  auto own = console_frame("Mail", who);
  own.merge(model::object{
      {"done", done},
      {"wrong", what.wrong},
      {"tone", what.tone},
      {"headline", what.headline},
      {"words", make_list(what.words,
                          [](const std::string& one) {
                            return model::object{{"text", one}};
                          })},
      {"kinds", make_list(what.kinds, [&](const console_mails::kind& k) { return kind_of(k, who); })},
      {"listed", what.listed},
      {"has_rows", !what.rows.empty()},
      {"rows", make_list(what.rows, row_of)},
      {"older", what.older},
      {"has_suppressed", !what.suppressed.empty()},
      {"suppressed", make_list(what.suppressed,
                               [&](const console_mails::closed_address& s) {
                                 return model::object{{"address", s.address},
                                                      {"why", s.why},
                                                      {"since", s.since},
                                                      {"may_act", who.may_act},
                                                      {"csrf", who.csrf}};
                               })},
  });
  return look.render("ops_mails", model{std::move(own)}, "en");
}

std::string console_mail_page(const theme& look, const console_mail& what, const console_visitor& who,
                              std::string_view done) {
  auto own = console_frame(what.title, who);
  own.merge(model::object{{"id", what.id},
                          {"done", done},
                          {"state", what.state},
                          {"tone", what.tone},
                          {"reason", what.reason},
                          {"facts", pairs(what.facts, "label", "value")},
                          {"may_retry", what.may_retry && who.may_act},
                          {"may_drop", what.may_drop && who.may_act}});
  return look.render("ops_mail", model{std::move(own)}, "en");
}

} // namespace lyceum::views
