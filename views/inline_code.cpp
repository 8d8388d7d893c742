// SPDX-License-Identifier: Apache-2.0
#include "views/inline_code.hpp"

#include "views/escape.hpp"

#include <algorithm>

namespace lyceum::views {
namespace {

std::size_t run_at(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of('`', at), text.size()) - at;
}

// Where the run of exactly `length` backticks begins that ends a code span; npos where there is none.
std::size_t closing(std::string_view text, std::size_t from, std::size_t length) {
  for (auto at = text.find('`', from); at != std::string_view::npos;) {
    const auto run = run_at(text, at);
    if (run == length)
      return at;
    at = text.find('`', at + run);
  }
  return std::string_view::npos;
}

// Calls `plain` and `code` for the parts in order.
template <class Plain, class Code>
void each_part(std::string_view text, Plain plain, Code code) {
  for (std::size_t at = 0; at < text.size();) {
    const auto open = std::min(text.find('`', at), text.size());
    plain(text.substr(at, open - at));
    if (open == text.size())
      return;
    const auto run = run_at(text, open);
    const auto end = closing(text, open + run, run);
    if (end == std::string_view::npos) {
      plain(text.substr(open, run));
      at = open + run;
      continue;
    }
    auto inside = text.substr(open + run, end - open - run);
    if (inside.size() > 2 && inside.front() == ' ' && inside.back() == ' ') // "`` ` ``"
      inside = inside.substr(1, inside.size() - 2);
    code(inside);
    at = end + run;
  }
}

} // namespace

std::string inline_code_html(std::string_view text) {
  std::string out;
  each_part(
      text, [&](std::string_view part) { append_escaped(out, part); },
      [&](std::string_view part) {
        out += "<code>";
        append_escaped(out, part);
        out += "</code>";
      });
  return out;
}

std::string without_code_marks(std::string_view text) {
  std::string out;
  each_part(
      text, [&](std::string_view part) { out += part; }, [&](std::string_view part) { out += part; });
  return out;
}

} // namespace lyceum::views
