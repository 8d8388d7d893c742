// SPDX-License-Identifier: Apache-2.0
#include "actors/page_table.hpp"

#include <algorithm>

namespace lyceum {
namespace {

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/// RFC 3986's octets of a path segment, and the slash, stay as browsers send them; all else becomes %XX.
bool stays_in_path(char c) {
  return is_unreserved(c) || std::string_view("/!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

void append_encoded(std::string& to, std::string_view text, bool (*stays)(char)) {
  for (char c : text) {
    if (stays(c)) {
      to += c;
    } else {
      auto octet = static_cast<unsigned char>(c);
      to += '%';
      to += "0123456789ABCDEF"[octet >> 4];
      to += "0123456789ABCDEF"[octet & 15];
    }
  }
}

/// A path begins with a slash, so what a tier puts before it can be no path.
void append_tier(std::string& to, const viewer& who) {
  if (who.staff) {
    to += "staff ";
    return;
  }
  switch (who.tier) {
  case access::kind::everyone:
    return;
  case access::kind::members:
    to += "members ";
    return;
  case access::kind::paid:
    to += "paid ";
    return;
  case access::kind::plan:
    to += "plan";
    for (const auto& plan : who.plans) {
      to += ':';
      append_encoded(to, plan, is_unreserved);
    }
    to += ' ';
    return;
  }
}

} // namespace

std::string page_key(const viewer& who, std::string_view path,
                     const std::vector<std::pair<std::string, std::string>>& query,
                     const std::vector<std::string>& allowed) {
  std::string key;
  append_tier(key, who);
  append_encoded(key, path, stays_in_path);
  std::vector<const std::pair<std::string, std::string>*> kept;
  for (const auto& one : query)
    if (std::ranges::find(allowed, one.first) != allowed.end())
      kept.push_back(&one);
  std::ranges::stable_sort(kept, {}, [](const auto* one) { return one->first; });
  char mark = '?';
  for (const auto* one : kept) {
    key += mark;
    append_encoded(key, one->first, is_unreserved);
    key += '=';
    append_encoded(key, one->second, is_unreserved);
    mark = '&';
  }
  return key;
}

} // namespace lyceum
