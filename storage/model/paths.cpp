// SPDX-License-Identifier: Apache-2.0
#include "storage/model/paths.hpp"

namespace lyceum::paths {

std::string segment(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string prefix(std::string_view language, std::string_view default_language) {
  return language.empty() || language == default_language ? std::string() : "/" + segment(language);
}

std::string course(std::string_view slug, std::string_view language, std::string_view default_language) {
  return prefix(language, default_language) + "/courses/" + segment(slug);
}

std::string lesson(std::string_view course_slug, std::string_view slug, std::string_view language,
                   std::string_view default_language) {
  return course(course_slug, language, default_language) + "/" + segment(slug);
}

std::string article(std::string_view slug, std::string_view language, std::string_view default_language) {
  return prefix(language, default_language) + "/articles/" + segment(slug);
}

std::string page(std::string_view slug, std::string_view language, std::string_view default_language) {
  return prefix(language, default_language) + "/" + segment(slug);
}

std::string media(std::string_view key, std::string_view name) {
  return "/media/" + segment(key) + "/" + segment(name);
}

} // namespace lyceum::paths
