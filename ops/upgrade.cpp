// SPDX-License-Identifier: Apache-2.0
#include "ops/upgrade.hpp"

#include "ops/try_program.hpp"

#include <boost/json.hpp>

#include <unistd.h>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto version_max = 5s;
constexpr auto active_max = 20s; // our own predecessor drains for at most ten
constexpr auto look_every = 5ms;

} // namespace

void upgrader::handle(const supervision::control_request& asked, supervision::control_reply reply) {
  if (!how_.ask_heart)
    return reply(
        {"null", "unavailable",
         "this server runs without a heart, which would start the new one: install the new program and restart "
         "the service (`systemctl restart lyceum`; its socket keeps visitors waiting meanwhile)"});
  if (asked.args.size() != 1 || !asked.args.front().starts_with('/'))
    return reply({"null", "usage", "upgrade FILE: the new program, named from the root on"});
  const std::lock_guard lock(guard_);
  if (ending_)
    return reply({"null", "unavailable", "this server is ending"});
  if (busy_.exchange(true))
    return reply({"null", "conflict", "another upgrade is under way: wait until it is done"});
  if (thread_.joinable())
    thread_.join(); // it has answered
  thread_ = std::thread([this, file = asked.args.front(), reply = std::move(reply)] {
    auto answer = run(file);
    busy_ = false; // before the answer: who has it may ask again
    reply(std::move(answer));
  });
}

supervision::control_answer upgrader::run(const std::string& file) {
  const auto word = [](problem::kind what) {
    return what == problem::kind::not_found ? "not_found" : what == problem::kind::invalid ? "invalid" : "failed";
  };
  const auto version = version_of(file, version_max, [this] { return ending_.load(); });
  if (!version)
    return {"null", word(version.error().what), version.error().detail + "; nothing has changed"};
  for (const auto until = clock::now() + active_max; !how_.active();) {
    if (ending_ || clock::now() > until)
      return {"null", "failed", "this server is still taking over from its predecessor: try again in a moment"};
    std::this_thread::sleep_for(look_every);
  }
  const auto pid = how_.ask_heart(file);
  if (!pid) {
    how_.came_to_nothing();
    return {"null", word(pid.error().what), pid.error().detail + "; the old server goes on"};
  }
  return {boost::json::serialize(
              boost::json::object{{"upgraded", true}, {"pid", *pid}, {"was", getpid()}, {"version", *version}}),
          {},
          {}};
}

void upgrader::settle() {
  ending_ = true;
  const std::lock_guard lock(guard_);
  if (thread_.joinable())
    thread_.join();
}

} // namespace lyceum
