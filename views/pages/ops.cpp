// SPDX-License-Identifier: Apache-2.0
// The console's pages. In English, as the command line is.
#include "views/console.hpp"
#include "views/model.hpp"
#include "views/url.hpp"

#include <algorithm>
#include <cmath>

namespace lyceum::views {
namespace {

constexpr int bar_width = 48;
constexpr int spark_width = 120;
constexpr int spark_height = 20;

model::object frame_of(std::string title) {
  return {{"lang", "en"},  {"title", std::move(title)}, {"school", ""},
          {"live", false}, {"signed_in", false},        {"csrf", ""},
          {"who", ""}};
}

std::string ask_url(const std::string& path, std::string_view op) {
  return "/ops/ask?path=" + url::segment(path) + "&op=" + std::string(op);
}

/// The one command that a row offers without being opened; empty: none.
std::string_view first_op(const console_node& n) {
  if (n.state == "suspended")
    return "resume";
  if (n.under) // its supervisor is to be started
    return "";
  return n.state == "stopped" || n.state == "degraded" || n.state == "idle" ? "start" : "restart";
}

std::string capital(std::string_view word) {
  std::string out(word);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z')
    out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

model node_row(const console_node& n, bool may_act) {
  const auto op = first_op(n);
  const bool budgeted = n.budget > 0;
  const int pip = budgeted ? std::max(1, bar_width / n.budget - 2) : bar_width;
  return model::object{{"path", n.path},
                       {"name", n.name},
                       {"level", n.level},
                       {"kind", n.kind},
                       {"state", n.state},
                       {"tone", n.tone},
                       {"more", n.more},
                       {"generation", std::to_string(n.generation)},
                       {"restarts_text", n.restarts_text},
                       {"budgeted", budgeted},
                       {"dash", std::to_string(pip) + " 2"},
                       {"track", std::to_string(n.budget * (pip + 2))},
                       {"spent", std::to_string(budgeted ? std::min(n.restarts, n.budget) * (pip + 2) : 0)},
                       {"mailbox", std::to_string(n.mailbox)},
                       {"mailbox_width", std::to_string(mailbox_width(n.mailbox, bar_width))},
                       {"cpu", n.cpu},
                       {"uptime", n.uptime},
                       {"note", n.note},
                       {"about", n.about},
                       {"has_spark", n.has_spark},
                       {"spark", spark_points(n.spark, spark_width, spark_height)},
                       {"ask_url", ask_url(n.path, op)},
                       {"op", op},
                       {"op_word", capital(op)},
                       {"may_stop", n.may_stop},
                       {"may_act", may_act && n.level > 1}};
}

} // namespace

std::string spark_points(const std::vector<std::uint32_t>& values, int width, int height) {
  if (values.size() < 2)
    return {};
  const auto top = std::max<std::uint32_t>(1, *std::ranges::max_element(values));
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto x = static_cast<double>(i) * width / static_cast<double>(values.size() - 1);
    const auto y = 1 + (height - 2) * (1 - static_cast<double>(values[i]) / top);
    out += (out.empty() ? "" : " ") + std::to_string(std::lround(x)) + "," + std::to_string(std::lround(y));
  }
  return out;
}

int mailbox_width(std::uint64_t n, int width) {
  constexpr double full = 10; // log2(1024)
  const auto part = std::min(1.0, std::log2(1.0 + static_cast<double>(n)) / full);
  return static_cast<int>(std::lround(part * width));
}

std::string console_page(const theme& look, const console_view& now, const console_visitor& who,
                         std::string_view done) {
  auto own = frame_of(now.headline);
  own.insert_or_assign("live", true);
  own.insert_or_assign("school", now.school);
  own.insert_or_assign("signed_in", true);
  own.insert_or_assign("csrf", who.csrf);
  own.insert_or_assign("who", who.name);
  own.merge(model::object{
      {"tone", now.tone},
      {"headline", now.headline},
      {"since", now.since},
      {"done", done},
      {"may_act", who.may_act},
      {"in_the_clear", who.in_the_clear},
      {"has_troubles", !now.troubles.empty()},
      {"troubles", make_list(now.troubles,
                             [](const console_trouble& t) {
                               return model::object{{"path", t.path},
                                                    {"tone", t.tone},
                                                    {"what", t.what},
                                                    {"learners", t.learners},
                                                    {"remedy", t.remedy}};
                             })},
      {"figures", make_list(now.figures,
                            [](const console_figure& f) {
                              return model::object{{"id", f.id}, {"label", f.label}, {"value", f.value}};
                            })},
      {"nodes", make_list(now.nodes, [&](const console_node& n) { return node_row(n, who.may_act); })},
      {"has_crashes", !now.crashes.empty()},
      {"crashes", make_list(now.crashes,
                            [](const console_crash& c) {
                              return model::object{{"at", c.at},
                                                   {"path", c.path},
                                                   {"generation", std::to_string(c.generation)},
                                                   {"kind", c.kind},
                                                   {"reason", c.reason},
                                                   {"message", c.message},
                                                   {"then", c.then},
                                                   {"times", c.times > 1 ? std::to_string(c.times) : std::string{}}};
                            })},
      {"has_actions", !now.actions.empty()},
      {"actions",
       make_list(now.actions,
                 [](const console_action& a) {
                   return model::object{{"at", a.at}, {"who_did", a.who}, {"what", a.what}, {"result", a.result}};
                 })},
      {"has_log", !now.log.empty()},
      {"log", make_list(now.log,
                        [](const std::string& line) {
                          return model::object{{"line", line}};
                        })},
  });
  return look.render("ops", model{std::move(own)}, "en");
}

std::string console_ask_page(const theme& look, const console_question& what, const console_visitor& who,
                             std::string_view wrong, const std::vector<std::pair<std::string, std::string>>& others) {
  auto own = frame_of(what.title);
  own.insert_or_assign("signed_in", true);
  own.insert_or_assign("csrf", who.csrf);
  own.insert_or_assign("who", who.name);
  own.merge(model::object{
      {"path", what.path},
      {"op", what.op},
      {"button", what.button},
      {"generation", std::to_string(what.generation)},
      {"named", what.named},
      {"refused", what.refused},
      {"may", what.refused.empty() && who.may_act},
      {"wrong", wrong},
      {"facts", make_list(what.facts,
                          [](const auto& one) {
                            return model::object{{"label", one.first}, {"value", one.second}};
                          })},
      {"has_others", !others.empty()},
      {"others", make_list(others,
                           [&](const auto& one) {
                             return model::object{{"url", ask_url(what.path, one.first)}, {"word", one.second}};
                           })},
  });
  return look.render("ops_ask", model{std::move(own)}, "en");
}

std::string console_door_page(const theme& look, bool door, std::string_view wrong) {
  auto own = frame_of(door ? "Enter the console" : "The console is closed");
  own.merge(model::object{{"door", door}, {"wrong", wrong}});
  return look.render("ops_enter", model{std::move(own)}, "en");
}

} // namespace lyceum::views
