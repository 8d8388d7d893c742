// SPDX-License-Identifier: Apache-2.0
#include "views/slug.hpp"

#include <utf8proc.h>

namespace lyceum::views {
namespace {

constexpr std::size_t slug_bytes_max = 200;

bool is_word(utf8proc_int32_t c) {
  switch (utf8proc_category(c)) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME:
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_NO:
  case UTF8PROC_CATEGORY_PC:
    return true;
  default:
    return false;
  }
}

} // namespace

std::string slug_of(std::string_view title) {
  const auto from = title.find_first_not_of(" \t\n");
  if (from == std::string_view::npos)
    return {};
  title = title.substr(from, title.find_last_not_of(" \t\n") - from + 1);
  std::string slug;
  while (!title.empty() && slug.size() < slug_bytes_max) {
    utf8proc_int32_t c = -1;
    const auto read = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(title.data()),
                                       static_cast<utf8proc_ssize_t>(title.size()), &c);
    title.remove_prefix(read > 0 ? static_cast<std::size_t>(read) : 1);
    if (read <= 0)
      continue;
    if (c == ' ' || c == '\n' || c == '-') {
      slug += '-';
    } else if (is_word(c)) {
      utf8proc_uint8_t bytes[4];
      const auto size = utf8proc_encode_char(utf8proc_tolower(c), bytes);
      slug.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
  }
  return slug;
}

std::string anchors::add(std::string_view title) {
  std::string slug = slug_of(title);
  if (slug.empty())
    slug = "section";
  const auto [first, fresh] = taken_.try_emplace(slug, 0);
  if (fresh)
    return slug;
  for (;;) {
    std::string numbered = slug + '-' + std::to_string(++first->second);
    if (taken_.try_emplace(numbered, 0).second)
      return numbered;
  }
}

} // namespace lyceum::views
