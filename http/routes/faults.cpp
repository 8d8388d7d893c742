// SPDX-License-Identifier: Apache-2.0
#include "http/routes/faults.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
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

[[noreturn]] void die_of_a_null_pointer() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
  std::abort(); // not reached, or the null page can be written
}

int use_up_the_stack(const volatile char* from, int n) {
  volatile char some[4096];
  some[0] = from ? from[0] : 'x';
  return n < 0 ? 0 : use_up_the_stack(some, n + 1) + some[0];
}

expected<response> crash(const request&, storage::db*) {
  die_of_a_null_pointer();
}

expected<response> overflow(const request&, storage::db*) {
  response answer;
  answer.status = 200 + use_up_the_stack(nullptr, 0) % 2;
  return answer;
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

/// A password that takes long, by way of whoever judges passwords.
expected<response> hash(const request& asked, storage::db*) {
  response first;
  first.by_way_of =
      std::make_shared<detour>(detour{[ms = wanted(asked)] { std::this_thread::sleep_for(ms); },
                                      [](const request&, storage::db*) -> expected<response> { return done(); }});
  return first;
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
      row("/__fault/throw", throw_something, db_use::reads), row("/__fault/throw-here", throw_something, db_use::none),
      row("/__fault/crash", crash, db_use::reads),           row("/__fault/crash-here", crash, db_use::none),
      row("/__fault/overflow", overflow, db_use::reads),     row("/__fault/spin", spin, db_use::reads),
      row("/__fault/sleep", sleep, db_use::reads),           row("/__fault/hash", hash, db_use::reads),
  };
}

void fault_text(const render_input& text) {
  if (text.markdown.find("FAULT:CRASH") != std::string::npos)
    die_of_a_null_pointer();
  if (text.markdown.find("FAULT:THROW") != std::string::npos)
    throw std::runtime_error("a text that throws on purpose");
}

} // namespace lyceum::http
