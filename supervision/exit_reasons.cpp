// SPDX-License-Identifier: Apache-2.0
// Exit reasons, CAF's and the engine's.
#include "supervision/supervisor_actor.hpp"

#include <cstdio>

namespace lyceum::supervision {

std::string hex(std::uint64_t n) {
  char text[20];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(n));
  return text;
}

exit_reason reason_of(const caf::error& e, std::string* message, std::string* state) {
  exit_reason r;
  if (!e)
    return r;
  const auto& context = e.context();
  if (e.category() == caf::atom("exit")) {
    const auto code = static_cast<caf::exit_reason>(e.code());
    if (code == caf::exit_reason::kill) {
      r.what = exit_reason::kind::killed;
      return r;
    }
    if (code == caf::exit_reason::user_shutdown || code == caf::exit_reason::normal) {
      r.what = code == caf::exit_reason::normal ? exit_reason::kind::normal : exit_reason::kind::shutdown;
      if (context.size() >= 1 && context.match_element<std::string>(0))
        r.text = context.get_as<std::string>(0);
      if (context.size() >= 2 && context.match_element<bool>(1))
        r.budget_spent = context.get_as<bool>(1);
      return r;
    }
    r.what = exit_reason::kind::crash;
    if (context.size() >= 1 && context.match_element<std::string>(0))
      r.text = context.get_as<std::string>(0);
    if (code == caf::exit_reason::unknown && r.text == "killed") {
      r.what = exit_reason::kind::killed;
      r.text.clear();
      return r;
    }
    if (r.text.empty())
      r.text = to_string(code);
    if (message && context.size() >= 3 && context.match_element<std::string>(1) &&
        context.match_element<std::string>(2)) {
      *message = context.get_as<std::string>(1);
      *state = context.get_as<std::string>(2);
    }
    return r;
  }
  r.what = exit_reason::kind::crash;
  r.text = caf::to_string(e);
  return r;
}

caf::error error_of(const exit_reason& r) {
  switch (r.what) {
  case exit_reason::kind::normal:
    return {};
  case exit_reason::kind::killed:
    return caf::make_error(caf::exit_reason::kill);
  case exit_reason::kind::shutdown:
    return caf::error{static_cast<std::uint8_t>(caf::exit_reason::user_shutdown), caf::atom("exit"),
                      caf::make_message(r.text, r.budget_spent)};
  case exit_reason::kind::crash:
    break;
  }
  return caf::error{static_cast<std::uint8_t>(caf::exit_reason::unhandled_exception), caf::atom("exit"),
                    caf::make_message(r.text, std::string{}, std::string{})};
}

void call_interrupt(const std::function<void()>& interrupt) {
  if (!interrupt)
    return;
  try {
    interrupt();
  } catch (...) { // it was a courtesy; the kill goes on
  }
}

} // namespace lyceum::supervision
