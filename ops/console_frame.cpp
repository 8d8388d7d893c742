// SPDX-License-Identifier: Apache-2.0
#include "ops/console_frame.hpp"

#include <boost/json.hpp>

namespace lyceum {
namespace {

namespace json = boost::json;

// As the page's template has them (views/pages/ops.cpp).
constexpr int bar_width = 48, spark_width = 120, spark_height = 20;
constexpr std::size_t frame_bytes_max = http::broadcast::buffer_bytes_max - 64;
constexpr std::size_t trouble_bytes_max = 8 * 1024;
constexpr std::size_t node_bytes_max = 48 * 1024; // some 130 children with curves; with the head there is room to spare

json::object node_json(const views::console_node& n, bool curves) {
  json::object o{{"path", n.path},
                 {"name", n.name},
                 {"level", n.level},
                 {"kind", n.kind},
                 {"state", n.state},
                 {"tone", n.tone},
                 {"more", n.more},
                 {"generation", n.generation},
                 {"budget", n.budget},
                 {"restarts", n.restarts},
                 {"meter", n.restarts_text},
                 {"mailbox", n.mailbox},
                 {"fill", views::mailbox_width(n.mailbox, bar_width)},
                 {"cpu", n.cpu},
                 {"uptime", n.uptime},
                 {"note", n.note},
                 {"about", n.about},
                 {"under", n.under}};
  if (n.has_spark && curves)
    o["spark"] = views::spark_points(n.spark, spark_width, spark_height);
  return o;
}

/// As much of a list as has room.
json::array within(json::array all, std::size_t bytes_max) {
  std::size_t bytes = 0, n = 0;
  for (const auto& one : all)
    if ((bytes += json::serialize(one).size() + 1) <= bytes_max)
      ++n;
    else
      break;
  all.resize(n);
  return all;
}

json::object base_json(const views::console_view& now, const std::string& at, bool curves) {
  json::object o{{"at", at}, {"tone", now.tone}, {"headline", now.headline}, {"since", now.since}};
  json::object figures;
  for (const auto& one : now.figures)
    figures[one.id] = one.value;
  o["figures"] = std::move(figures);
  json::array troubles, nodes;
  for (const auto& t : now.troubles)
    troubles.push_back(json::object{
        {"path", t.path}, {"tone", t.tone}, {"what", t.what}, {"learners", t.learners}, {"remedy", t.remedy}});
  for (const auto& n : now.nodes)
    nodes.push_back(node_json(n, curves));
  o["troubles"] = within(std::move(troubles), trouble_bytes_max);
  o["nodes"] = within(std::move(nodes), node_bytes_max);
  return o;
}

using sections = std::vector<std::pair<std::string, std::string>>;

/// What seldom changes, the dearest last.
sections sections_of(const views::console_view& now) {
  json::array log, crashes, actions;
  for (const auto& line : now.log)
    log.push_back(json::string(line));
  for (const auto& c : now.crashes)
    crashes.push_back(json::object{{"at", c.at},
                                   {"path", c.path},
                                   {"generation", c.generation},
                                   {"kind", c.kind},
                                   {"reason", c.reason},
                                   {"message", c.message},
                                   {"then", c.then},
                                   {"times", c.times}});
  for (const auto& a : now.actions)
    actions.push_back(json::object{{"at", a.at}, {"who", a.who}, {"what", a.what}, {"result", a.result}});
  return {{"actions", json::serialize(actions)}, {"crashes", json::serialize(crashes)}, {"log", json::serialize(log)}};
}

http::frame_ptr frame_of(const json::object& base, const sections& more) {
  auto text = "data: " + json::serialize(base);
  text.pop_back(); // its brace
  for (const auto& [name, value] : more)
    if (text.size() + value.size() < frame_bytes_max)
      text.append(",\"").append(name).append("\":").append(value);
  return std::make_shared<const std::string>(text + "}\n\n");
}

} // namespace

console_frames::pair console_frames::make(const views::console_view& now, const std::string& at, bool curves) {
  const auto all = sections_of(now);
  sections changed;
  for (const auto& one : all)
    if (auto& sent = sent_[one.first]; sent != one.second) {
      sent = one.second;
      changed.push_back(one);
    }
  const auto whole = base_json(now, at, true);
  return {frame_of(curves ? whole : base_json(now, at, false), changed), frame_of(whole, all)};
}

} // namespace lyceum
