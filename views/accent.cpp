// SPDX-License-Identifier: Apache-2.0
#include "views/theme.hpp"
#include "views/url.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace lyceum::views {
namespace {

constexpr std::size_t colour_length_max = 48;
constexpr std::string_view before = "accent.";
constexpr std::string_view after = ".css";
constexpr std::string_view hex = "0123456789abcdef";

bool all_of(std::string_view text, int (*is)(int)) {
  return std::all_of(text.begin(), text.end(), [is](char c) { return is(static_cast<unsigned char>(c)) != 0; });
}

} // namespace

bool is_colour(std::string_view text) {
  if (text.empty() || text.size() > colour_length_max)
    return false;
  if (text.front() == '#') {
    const auto digits = text.substr(1);
    return (digits.size() == 3 || digits.size() == 6) && all_of(digits, std::isxdigit);
  }
  const auto bracket = text.find('(');
  if (bracket == std::string_view::npos)
    return all_of(text, std::isalpha);
  static constexpr auto functions =
      std::to_array<std::string_view>({"rgb", "hsl", "hwb", "lab", "lch", "oklab", "oklch"});
  if (text.back() != ')' || std::find(functions.begin(), functions.end(), text.substr(0, bracket)) == functions.end())
    return false;
  const auto inside = text.substr(bracket + 1, text.size() - bracket - 2);
  return !inside.empty() && inside.find_first_not_of("0123456789.,% deg-") == std::string_view::npos;
}

std::string accent_url(const site_info& site) {
  if (!is_colour(site.accent))
    return {};
  std::string name{before};
  for (const char c : site.accent) {
    const auto byte = static_cast<unsigned char>(c);
    name += hex[byte >> 4U];
    name += hex[byte & 0xFU];
  }
  return url::asset(name.append(after));
}

std::optional<std::string> accent_css(std::string_view hashed_name) {
  if (!hashed_name.starts_with(before) || !hashed_name.ends_with(after) ||
      hashed_name.size() < before.size() + after.size())
    return std::nullopt;
  const auto code = hashed_name.substr(before.size(), hashed_name.size() - before.size() - after.size());
  if (code.size() % 2 != 0 || code.size() > 2 * colour_length_max)
    return std::nullopt;
  std::string colour;
  for (std::size_t i = 0; i < code.size(); i += 2) {
    const auto high = hex.find(code[i]);
    const auto low = hex.find(code[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos)
      return std::nullopt;
    colour += static_cast<char>((high << 4U) | low);
  }
  if (!is_colour(colour))
    return std::nullopt;
  return ":root{--school:" + colour + "}\n";
}

} // namespace lyceum::views
