// SPDX-License-Identifier: Apache-2.0
#include "storage/model/colour.hpp"
#include "views/theme.hpp"
#include "views/url.hpp"

namespace lyceum::views {
namespace {

constexpr std::size_t colour_length_max = 48;
constexpr std::string_view before = "accent.";
constexpr std::string_view after = ".css";
constexpr std::string_view hex = "0123456789abcdef";

} // namespace

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
