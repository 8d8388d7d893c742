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

int value_of(char digit) {
  return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/// What append_encoded made; nothing where it cannot have.
std::optional<std::string> decoded(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      made += text[i];
      continue;
    }
    if (text.size() - i < 3 || value_of(text[i + 1]) < 0 || value_of(text[i + 2]) < 0)
      return std::nullopt;
    made += static_cast<char>(value_of(text[i + 1]) * 16 + value_of(text[i + 2]));
    i += 2;
  }
  return made;
}

} // namespace

std::string tier_prefix(const viewer& who) {
  if (who.staff)
    return "staff ";
  switch (who.tier) {
  case access::kind::everyone:
    return {};
  case access::kind::members:
    return "members ";
  case access::kind::paid:
    return "paid ";
  case access::kind::plan: {
    std::string text = "plan";
    for (const auto& plan : who.plans) {
      text += ':';
      append_encoded(text, plan, is_unreserved);
    }
    return text + ' ';
  }
  }
  return {};
}

std::optional<viewer> viewer_of_tier(std::string_view prefix) {
  viewer who;
  if (prefix.starts_with("plan")) {
    who.tier = access::kind::plan;
    for (auto rest = prefix.substr(4, prefix.size() - 5); !rest.empty();) {
      const auto end = std::min(rest.find(':', 1), rest.size());
      auto plan = decoded(rest.substr(1, end - 1));
      if (!plan)
        return std::nullopt;
      who.plans.insert(std::move(*plan));
      rest.remove_prefix(end);
    }
  } else if (prefix == "staff ") {
    who.staff = true;
    who.tier = access::kind::members;
  } else if (prefix == "members ") {
    who.tier = access::kind::members;
  } else if (prefix == "paid ") {
    who.tier = access::kind::paid;
  }
  return tier_prefix(who) == prefix ? std::optional(who) : std::nullopt;
}

std::string page_key(const viewer& who, std::string_view path,
                     const std::vector<std::pair<std::string, std::string>>& query,
                     const std::vector<std::string>& allowed) {
  std::string key = tier_prefix(who);
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
