// SPDX-License-Identifier: Apache-2.0
#include "storage/words.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace lyceum::storage {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

// Bytes of the character at `at`, or 0 where none starts there; its number in `code`.
std::size_t character(std::string_view text, std::size_t at, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) {
    code = first;
    return 1;
  }
  const std::size_t length = first >= 0xf0 && first < 0xf5   ? 4
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xc2 && first < 0xe0 ? 2
                                                             : 0;
  if (length == 0 || at + length > text.size())
    return 0;
  code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80)
      return 0;
    code = (code << 6) | (byte(at + i) & 0x3fU);
  }
  if ((length == 3 && code < 0x800) || (length == 4 && (code < 0x10000 || code > 0x10ffff)) ||
      (code >= 0xd800 && code <= 0xdfff))
    return 0;
  return length;
}

bool is_cjk(std::uint32_t code) {
  return (code >= 0x3040 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x4dbf) ||
         (code >= 0x4e00 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3) ||
         (code >= 0xf900 && code <= 0xfaff) || (code >= 0x20000 && code <= 0x3fffd);
}

// Optimal string alignment, given up above `most`.
std::size_t distance(std::string_view a, std::string_view b, std::size_t most) {
  if (a.size() > b.size() + most || b.size() > a.size() + most)
    return most + 1;
  std::vector<std::size_t> two_up(b.size() + 1), up(b.size() + 1), here(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    up[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    here[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      here[j] = std::min({up[j] + 1, here[j - 1] + 1, up[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here[j] = std::min(here[j], two_up[j - 2] + 1);
    }
    two_up.swap(up);
    up.swap(here);
  }
  return up[b.size()];
}

constexpr std::array<std::string_view, 34> first_parts = {"courses",     "articles",    "tags",
                                                          "search",      "pages",       "sign-in",
                                                          "sign-out",    "account",     "pricing",
                                                          "checkout",    "unsubscribe", "media",
                                                          "feed.xml",    "atom.xml",    "assets",
                                                          "sitemap.xml", "api",         "robots.txt",
                                                          "me",          ".well-known", "livez",
                                                          "healthz",     "webhooks",    "readyz",
                                                          "metrics",     "ops",         "admin",
                                                          "dev",         "favicon.ico", "health",
                                                          "media",       "favicon.svg", "apple-touch-icon.png",
                                                          "static"};

} // namespace

std::optional<std::size_t> first_bad_utf8(std::string_view text) {
  std::uint32_t code = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = character(text, at, code);
    if (n == 0)
      return at;
    at += n;
  }
  return std::nullopt;
}

int line_of(std::string_view text, std::size_t offset) {
  const auto upto = text.substr(0, std::min(offset, text.size()));
  return 1 + static_cast<int>(std::count(upto.begin(), upto.end(), '\n'));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::optional<std::string_view> best;
  std::size_t closest = 3;
  if (word.size() > 40)
    return best;
  const std::string folded = lower_ascii(word);
  for (const auto candidate : candidates) {
    const std::size_t d = distance(folded, candidate, 2);
    if (d < closest && d < candidate.size()) {
      closest = d;
      best = candidate;
    }
  }
  return best;
}

bool is_language(std::string_view tag) {
  if (tag.size() > 35)
    return false;
  for (bool first = true; !tag.empty() || first; first = false) {
    const auto part = tag.substr(0, tag.find('-'));
    const bool lower =
        std::all_of(part.begin(), part.end(), [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c); });
    const bool letters = std::all_of(part.begin(), part.end(), is_letter);
    const bool digits = std::all_of(part.begin(), part.end(), is_digit);
    if (!lower)
      return false;
    if (first ? !(letters && (part.size() == 2 || part.size() == 3))
              : !((letters && (part.size() == 2 || part.size() == 4)) || (digits && part.size() == 3) ||
                  (part.size() >= 5 && part.size() <= 8)))
      return false;
    if (part.size() == tag.size())
      return true;
    tag.remove_prefix(part.size() + 1);
    if (tag.empty())
      return false;
  }
  return false;
}

std::string slug_fault(std::string_view slug) {
  if (slug.empty())
    return "the slug is empty";
  if (slug.size() > 200)
    return "the slug is longer than 200 bytes";
  if (slug.front() == '.')
    return "a slug cannot start with a dot";
  if (first_bad_utf8(slug))
    return "the slug is not UTF-8";
  for (const char c : slug)
    if (static_cast<unsigned char>(c) < 0x80 && !is_letter(c) && !is_digit(c) && c != '-' && c != '_' && c != '.')
      return "the slug \"" + std::string(slug) +
             "\" has a character that it cannot have: use letters, digits, '-', '_' and '.'";
  return {};
}

bool is_reserved_page(std::string_view slug, std::span<const std::string> site_languages) {
  const std::string folded = lower_ascii(slug);
  if (std::find(first_parts.begin(), first_parts.end(), folded) != first_parts.end())
    return true;
  // Any two letters may be a language that the school publishes in one day.
  if (folded.size() == 2 && is_language(folded))
    return true;
  return std::find(site_languages.begin(), site_languages.end(), folded) != site_languages.end();
}

int reading_minutes(std::string_view markdown) {
  std::size_t words = 0;
  std::size_t ideographs = 0;
  bool inside = false;
  std::uint32_t code = 0;
  for (std::size_t at = 0; at < markdown.size();) {
    const std::size_t n = std::max<std::size_t>(character(markdown, at, code), 1);
    const bool wide = n >= 3 && is_cjk(code);
    const bool part = !wide && (n > 1 || is_letter(markdown[at]) || is_digit(markdown[at]));
    ideographs += wide ? 1 : 0;
    if (part && !inside)
      ++words;
    // An apostrophe or a hyphen does not end a word.
    inside = part || (inside && n == 1 && (markdown[at] == '\'' || markdown[at] == '-'));
    at += n;
  }
  const std::size_t sixtieths = words * 60 / 200 + ideographs * 60 / 500;
  return std::max(1, static_cast<int>((sixtieths + 59) / 60));
}

} // namespace lyceum::storage
