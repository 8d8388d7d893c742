// SPDX-License-Identifier: Apache-2.0
#include "ops/console.hpp"

#include "actors/db_pool.hpp"
#include "actors/messages.hpp"
#include "ops/console_call.hpp"
#include "ops/console_impact.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
namespace fs = std::filesystem;

constexpr auto frame_every = 500ms;
constexpr auto looking_max = 3s; // less than a request's own deadline: a page says that the database is away
constexpr std::size_t crashes_read = 20;
constexpr std::size_t actions_shown = 12;
constexpr std::uintmax_t audit_tail_bytes = 8 * 1024;

/// "school.example" of "https://school.example"; empty for http.
std::string secure_host_of(const std::string& base_url) {
  constexpr std::string_view https = "https://";
  if (!base_url.starts_with(https))
    return {};
  return base_url.substr(https.size(), base_url.find('/', https.size()) - https.size());
}

std::string text_of(const json::object& o, std::string_view name) {
  const auto* found = o.if_contains(name);
  return !found ? std::string() : found->is_string() ? std::string(found->as_string()) : json::serialize(*found);
}

std::optional<views::console_action> action_of(const std::string& line) {
  boost::system::error_code bad;
  const auto value = json::parse(line, bad);
  const auto* o = bad ? nullptr : value.if_object();
  if (o == nullptr || text_of(*o, "at").size() < 19)
    return std::nullopt;
  views::console_action made;
  made.at = text_of(*o, "at").substr(11, 8);
  made.what = text_of(*o, "command");
  if (const auto* args = o->if_contains("args"); args && args->is_array())
    for (const auto& one : args->as_array())
      made.what += " " + (one.is_string() ? std::string(one.as_string()) : json::serialize(one));
  made.what = shortened(made.what, 120);
  made.result = shortened(text_of(*o, "result"), 60);
  auto name = text_of(*o, "name");
  if (name.empty())
    name = "uid " + text_of(*o, "uid");
  made.who = name.starts_with("console") ? name : fmt::format("{}, process {}", name, text_of(*o, "pid"));
  return made;
}

caf::behavior console_keeper(caf::event_based_actor* self, console* of) {
  auto turns = std::make_shared<std::uint64_t>(0); // of the timer that counts: an older one is ignored
  const auto turn = [self, of, turns] { self->delayed_send(self, of->turn(), tick_atom::value, ++*turns); };
  turn();
  return {[turn](look_atom) { turn(); },
          [turn, turns](tick_atom, std::uint64_t which) {
            if (which == *turns)
              turn();
          }};
}

} // namespace

console::console(options how) : how_(std::move(how)) {
  auto opened = http::passes::open(how_.key);
  if (opened)
    gate_ = std::move(*opened);
  else
    why_closed_ = opened.error().detail;
  frames_ = std::make_shared<http::broadcast>(
      [&tree = how_.tree] { supervision::tell(tree.named("control/console"), look_atom::value); });
}

std::vector<http::io_route> console::routes() {
  if (!gate_)
    return {};
  http::console_desk desk;
  desk.gate = gate_;
  desk.look = how_.look;
  desk.frames = frames_;
  desk.secure_host = secure_host_of(how_.base_url);
  desk.state = [this] {
    auto now = memory_.view(sample());
    now.school = how_.school();
    return now;
  };
  desk.question = [this](const std::string& path, const std::string& op) {
    return console_impact(how_.tree.states(), path, op);
  };
  desk.commands = [this](const std::string& path) { return console_commands(how_.tree.states(), path); };
  desk.act = [this](const http::console_desk::order& what, std::function<void(http::console_desk::outcome)> then) {
    console_call(*control_, what, [&tree = how_.tree, then = std::move(then)](const http::console_desk::outcome& got) {
      then(got);
      supervision::tell(tree.named("control/console"), look_atom::value); // who did it sees it at once
    });
  };
  desk.mail = [this] { return how_.mail(); };
  desk.data.ask = [this](std::function<void(storage::db&)> work, std::function<void(const problem&)> failed) {
    submit(how_.tree, std::make_shared<db_task>(
                          db_use::reads, std::move(work), [failed](const problem& why, bool) { failed(why); },
                          std::chrono::steady_clock::now() + looking_max));
  };
  desk.data.act = [this](const std::string& command, std::vector<std::string> words, const http::operator_session& who,
                         std::function<void(http::console_desk::outcome)> then) {
    console_data_call(*control_, command, std::move(words), who, std::move(then));
  };
  return http::console_routes(std::move(desk));
}

void console::serve_by(supervision::control& control) {
  control_ = &control;
  control.on(
      "console",
      [this](const supervision::control_request& asked, const supervision::control_reply& reply) {
        if (!asked.args.empty())
          return reply({"null", "usage", "console"});
        if (!gate_)
          return reply({"null", "unavailable", "there is no console: " + why_closed_});
        const auto token = gate_->make_link(http::operator_role::admin, now_utc());
        reply({json::serialize(
                   json::object{{"link", how_.address() + "/ops/enter#" + token}, {"valid", "once, for five minutes"}}),
               {},
               {}});
      },
      true);
}

console_sample console::sample() const {
  console_sample now;
  now.at = std::chrono::steady_clock::now();
  now.wall = std::chrono::system_clock::now();
  now.nodes = how_.tree.states().snapshot(now.at);
  now.site = how_.state();
  now.traffic = how_.traffic();
  now.pool_alive = how_.tree.pool_alive();
  now.crashes = how_.tree.crashes().recent(crashes_read);
  now.log = how_.log.lines();
  std::lock_guard lock(guard_);
  now.actions = actions_;
  return now;
}

/// The audit log is a file, so it is not read by the loops: here, when it has grown.
void console::read_audit() {
  std::error_code none;
  const auto bytes = fs::file_size(how_.audit, none);
  if (none || bytes == audit_bytes_)
    return;
  audit_bytes_ = bytes;
  std::ifstream in(how_.audit, std::ios::binary);
  std::string line;
  if (bytes > audit_tail_bytes) {
    in.seekg(static_cast<std::streamoff>(bytes - audit_tail_bytes));
    std::getline(in, line); // half a line
  }
  std::vector<views::console_action> all;
  while (std::getline(in, line))
    if (auto one = action_of(line))
      all.push_back(std::move(*one));
  std::ranges::reverse(all);
  if (all.size() > actions_shown)
    all.resize(actions_shown);
  std::lock_guard lock(guard_);
  actions_ = std::move(all);
}

std::chrono::milliseconds console::turn() {
  read_audit();
  const auto now = sample();
  const bool curves = memory_.remember(now);
  if (frames_->watching() == 0)
    return console_memory::point_every;
  const auto made = maker_.make(memory_.view(now), time_text(now.wall), curves);
  frames_->publish(made.change, made.whole);
  return frame_every;
}

supervision::child console_child(console& of) {
  supervision::child_spec spec;
  spec.id = "console";
  return supervision::worker(std::move(spec),
                             [&of](supervision::birth& at) { return at.detached(console_keeper, &of); });
}

} // namespace lyceum
