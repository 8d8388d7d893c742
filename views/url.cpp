// SPDX-License-Identifier: Apache-2.0
#include "views/url.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace lyceum::views::url {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// RFC 3986, section 3.3: pchar = unreserved / pct-encoded / sub-delims / ":" / "@".
bool is_pchar(char c) {
  return is_letter(c) || is_digit(c) || std::string_view{"-._~!$&'()*+,;=:@"}.find(c) != std::string_view::npos;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool same_word(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
  });
}

std::string under(std::string_view folder, std::string_view slug, std::string_view language,
                  std::string_view default_language) {
  std::string path = prefix(language, default_language);
  path += folder;
  path += '/';
  path += segment(slug);
  return path;
}

} // namespace

std::string segment(std::string_view text) {
  static constexpr std::string_view hex = "0123456789ABCDEF";
  // A browser would walk up or stay: no resource of ours is called so, but a slug from a file name might try.
  if (text == ".")
    return "%2E";
  if (text == "..")
    return "%2E%2E";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_pchar(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += hex[byte >> 4U];
    out += hex[byte & 0xFU];
  }
  return out;
}

std::string prefix(std::string_view language, std::string_view default_language) {
  if (language.empty() || language == default_language)
    return {};
  return "/" + segment(language);
}

std::string home(std::string_view language, std::string_view default_language) {
  const std::string path = prefix(language, default_language);
  return path.empty() ? "/" : path;
}

std::string courses(std::string_view language, std::string_view default_language) {
  return prefix(language, default_language) + "/courses";
}

std::string course(std::string_view slug, std::string_view language, std::string_view default_language) {
  return under("/courses", slug, language, default_language);
}

std::string lesson(std::string_view course_slug, std::string_view slug, std::string_view language,
                   std::string_view default_language) {
  return course(course_slug, language, default_language) + "/" + segment(slug);
}

std::string articles(std::string_view language, std::string_view default_language) {
  return prefix(language, default_language) + "/articles";
}

std::string article(std::string_view slug, std::string_view language, std::string_view default_language) {
  return under("/articles", slug, language, default_language);
}

std::string standing(std::string_view slug, std::string_view language, std::string_view default_language) {
  return under("", slug, language, default_language);
}

std::string media(std::string_view key, std::string_view name) {
  return "/media/" + segment(key) + "/" + segment(name);
}

std::string feed(std::string_view language, std::string_view default_language) {
  return prefix(language, default_language) + "/feed.xml";
}

std::string atom(std::string_view language, std::string_view default_language) {
  return prefix(language, default_language) + "/atom.xml";
}

std::string asset(std::string_view hashed_name) {
  return "/assets/" + segment(hashed_name);
}

std::string fragment(std::string_view anchor) {
  return "#" + segment(anchor);
}

std::string safe(std::string_view link) {
  while (!link.empty() && (link.front() == ' ' || is_control(link.front())))
    link.remove_prefix(1);
  while (!link.empty() && (link.back() == ' ' || is_control(link.back())))
    link.remove_suffix(1);
  // Browsers drop tabs and line ends inside a scheme: "java\nscript:" runs. No honest link holds one.
  if (std::any_of(link.begin(), link.end(), is_control))
    return "#";

  const auto end = link.find_first_of(":/?#");
  if (end == std::string_view::npos || link[end] != ':')
    return std::string{link};
  const auto scheme = link.substr(0, end);
  static constexpr std::array<std::string_view, 3> admitted{"http", "https", "mailto"};
  const bool fine = std::any_of(admitted.begin(), admitted.end(), [&](auto known) { return same_word(scheme, known); });
  return fine ? std::string{link} : std::string{"#"};
}

} // namespace lyceum::views::url
