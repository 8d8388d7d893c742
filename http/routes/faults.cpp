// SPDX-License-Identifier: Apache-2.0
#include "http/routes/faults.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace lyceum::http {
namespace {

using clock = std::chrono::steady_clock;

std::chrono::milliseconds wanted(const request& asked) {
  constexpr std::int64_t most = 60'000;
  std::int64_t ms = 1000;
  if (const auto text = asked.query_value("ms"))
    std::from_chars(text->data(), text->data() + text->size(), ms);
  return std::chrono::milliseconds(std::clamp<std::int64_t>(ms, 0, most));
}

response done() {
  response answer;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = "done\n";
  return answer;
}

expected<response> throw_something(const request&, storage::db*) {
  throw std::runtime_error("thrown on purpose");
}

expected<response> spin(const request& asked, storage::db*) {
  const auto until = clock::now() + wanted(asked);
  while (clock::now() < until) {
  }
  return done();
}

expected<response> sleep(const request& asked, storage::db*) {
  std::this_thread::sleep_for(wanted(asked));
  return done();
}

route row(std::string pattern, handler run, db_use needs) {
  route made;
  made.method = "GET";
  made.pattern = std::move(pattern);
  made.run = std::move(run);
  made.needs = needs;
  return made;
}

} // namespace

route_list fault_routes() {
  return {
      row("/__fault/throw", throw_something, db_use::reads),
      row("/__fault/throw-here", throw_something, db_use::none),
      row("/__fault/spin", spin, db_use::reads),
      row("/__fault/sleep", sleep, db_use::reads),
  };
}

} // namespace lyceum::http
