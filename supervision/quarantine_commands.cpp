// SPDX-License-Identifier: Apache-2.0
#include "supervision/quarantine_commands.hpp"

#include <boost/json.hpp>

#include <charconv>
#include <utility>

namespace lyceum::supervision {
namespace {

namespace json = boost::json;

control_answer ok(const json::value& what) {
  return {json::serialize(what), {}, {}};
}
control_answer no(std::string code, std::string detail) {
  return {"null", std::move(code), std::move(detail)};
}

json::object row_json(const quarantine::row& r) {
  return {{"id", r.id},
          {"kind", name_of(r.kind)},
          {"path", r.path},
          {"label", r.label},
          {"crashes", r.crashes},
          {"refused", r.refused},
          {"state", r.id != 0 ? "held" : "suspected"},
          {"last_at", utc_text(r.last_at)}};
}

control_answer list(system& tree) {
  json::array all;
  for (const auto& r : tree.poison().held())
    all.push_back(row_json(r));
  for (const auto& r : tree.poison().suspects())
    all.push_back(row_json(r));
  return ok(all);
}

control_answer show(const quarantine::row& r) {
  auto o = row_json(r);
  o["key"] = r.key;
  o["reason"] = r.reason;
  o["first_at"] = utc_text(r.first_at);
  if (!r.request.empty())
    o["request"] = r.request;
  o["message_kept"] = r.payload.has_value();
  if (const auto* message = std::any_cast<caf::message>(&r.payload))
    o["message"] = caf::to_string(*message);
  return ok(o);
}

control_answer replay(system& tree, quarantine::row r) {
  json::object o{{"path", r.path}, {"label", r.label}};
  auto* message = std::any_cast<caf::message>(&r.payload);
  if (!message) {
    o["replayed"] = r.kind == quarantine::kind::work
                        ? "it is let in again when somebody asks for it"
                        : "its message was in the memory of a process that has ended: it is let in when it comes again";
    return ok(o);
  }
  if (!tell_message(tree.named(r.path), std::move(*message)))
    return no("unavailable", r.path + " is away; it is out of quarantine, and its message is lost");
  o["replayed"] = "sent to " + r.path;
  return ok(o);
}

control_answer answer(system& tree, const control_request& asked) {
  const auto& args = asked.args;
  if (args.empty() || (args[0] == "list" && args.size() == 1))
    return list(tree);
  const auto& verb = args[0];
  if (args.size() != 2 || (verb != "show" && verb != "replay" && verb != "drop"))
    return no("usage", "quarantine list | show ID | replay ID | drop ID");
  std::uint64_t id = 0;
  const auto* end = args[1].data() + args[1].size();
  if (const auto [at, bad] = std::from_chars(args[1].data(), end, id); bad != std::errc{} || at != end)
    return no("usage", "quarantine " + verb + " ID: the number that `quarantine list` shows");
  auto found = verb == "show" ? tree.poison().find(id) : tree.poison().release(id);
  if (!found)
    return no("not_found", "nothing is in quarantine as " + args[1] + "; `quarantine list` shows what is");
  if (verb == "show")
    return show(*found);
  if (verb == "replay")
    return replay(tree, std::move(*found));
  return ok(json::object{{"path", found->path}, {"label", found->label}, {"dropped", true}});
}

} // namespace

void add_quarantine_commands(system& tree, const std::function<void(std::string, control_handler, bool)>& add) {
  add(
      "quarantine", [&tree](const control_request& asked, control_reply reply) { reply(answer(tree, asked)); }, true);
}

} // namespace lyceum::supervision
