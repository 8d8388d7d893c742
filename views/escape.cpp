// SPDX-License-Identifier: Apache-2.0
#include "views/escape.hpp"

namespace lyceum::views {

void append_escaped(std::string& to, std::string_view text) {
  for (const char c : text)
    switch (c) {
    case '&':
      to += "&amp;";
      break;
    case '<':
      to += "&lt;";
      break;
    case '>':
      to += "&gt;";
      break;
    case '"':
      to += "&quot;";
      break;
    case '\'':
      to += "&#39;";
      break;
    default:
      to += c;
    }
}

std::string escaped(std::string_view text) {
  std::string made;
  append_escaped(made, text);
  return made;
}

} // namespace lyceum::views
