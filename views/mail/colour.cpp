// SPDX-License-Identifier: Apache-2.0
#include "views/mail/colour.hpp"

#include "storage/model/colour.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <optional>

namespace lyceum::views::mail {
namespace {

struct rgb { // linear light, 0 to 1 inside of sRGB
  double r = 0;
  double g = 0;
  double b = 0;
};
struct oklch {
  double lightness = 0;
  double chroma = 0;
  double hue = 0; // radians
};
constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr oklch own_accent{0.5, 0.135, 42 * std::numbers::pi / 180};

double to_linear(double c) {
  return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}
double to_coded(double c) {
  return c <= 0.0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - 0.055;
}

oklch to_oklch(const rgb& c) {
  const double l = std::cbrt(0.4122214708 * c.r + 0.5363325363 * c.g + 0.0514459929 * c.b);
  const double m = std::cbrt(0.2119034982 * c.r + 0.6806995451 * c.g + 0.1073969566 * c.b);
  const double s = std::cbrt(0.0883024619 * c.r + 0.2817188376 * c.g + 0.6299787005 * c.b);
  const double a = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
  const double b = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
  return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s, std::hypot(a, b), std::atan2(b, a)};
}

rgb to_rgb(const oklch& c) {
  const double a = c.chroma * std::cos(c.hue);
  const double b = c.chroma * std::sin(c.hue);
  const double l = std::pow(c.lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
  const double m = std::pow(c.lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
  const double s = std::pow(c.lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

bool shown(const rgb& c) {
  return std::ranges::all_of(std::array{c.r, c.g, c.b}, [](double x) { return x > -1e-6 && x < 1 + 1e-6; });
}

std::string hex(oklch c) {
  while (c.chroma > 0 && !shown(to_rgb(c)))
    c.chroma = std::max(0.0, c.chroma - 0.002);
  const auto made = to_rgb(c);
  std::string out = "#";
  for (const double x : {made.r, made.g, made.b}) {
    const auto octet = static_cast<std::size_t>(std::lround(255 * to_coded(std::clamp(x, 0.0, 1.0))));
    out += hex_digits[octet >> 4U];
    out += hex_digits[octet & 0xFU];
  }
  return out;
}

std::optional<oklch> read_hex(std::string_view digits) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  const auto channel = [&](std::size_t i) {
    return to_linear(
        (digits.size() == 3 ? value(digits[i]) * 17 : value(digits[2 * i]) * 16 + value(digits[2 * i + 1])) / 255.0);
  };
  return to_oklch({channel(0), channel(1), channel(2)});
}

/// Three numbers, each with the share of `full` that "%" stands for.
std::optional<std::array<double, 3>> read_numbers(std::string_view inside, std::array<double, 3> full) {
  std::array<double, 3> out{};
  for (std::size_t i = 0; i < 3; ++i) {
    inside.remove_prefix(std::min(inside.find_first_not_of(" ,"), inside.size()));
    const auto end = std::min(inside.find_first_of(" ,"), inside.size());
    const std::string word{inside.substr(0, end)};
    inside.remove_prefix(end);
    char* after = nullptr;
    out[i] = std::strtod(word.c_str(), &after);
    const std::string_view unit{after};
    if (word.empty() || after == word.c_str() || !(unit.empty() || unit == "%" || unit == "deg") ||
        !std::isfinite(out[i]))
      return std::nullopt;
    if (unit == "%")
      out[i] *= full[i] / 100;
  }
  return out;
}

std::optional<oklch> read(std::string_view colour) {
  if (!is_colour(colour))
    return std::nullopt;
  if (colour.starts_with('#'))
    return read_hex(colour.substr(1));
  const auto open = colour.find('(');
  if (open == std::string_view::npos)
    return std::nullopt;
  const auto inside = colour.substr(open + 1, colour.size() - open - 2);
  if (colour.starts_with("oklch")) {
    const auto n = read_numbers(inside, {1, 0.4, 360});
    return n ? std::optional<oklch>({(*n)[0], (*n)[1], (*n)[2] * std::numbers::pi / 180}) : std::nullopt;
  }
  if (colour.starts_with("rgb")) {
    const auto n = read_numbers(inside, {255, 255, 255});
    const auto channel = [&](std::size_t i) { return to_linear(std::clamp((*n)[i] / 255, 0.0, 1.0)); };
    return n ? std::optional(to_oklch({channel(0), channel(1), channel(2)})) : std::nullopt;
  }
  return std::nullopt;
}

} // namespace

accent accent_of(std::string_view colour) {
  const auto c = read(colour).value_or(own_accent);
  const double chroma = std::max(c.chroma, 0.0);
  return {hex({std::clamp(c.lightness, 0.3, 0.5), std::min(chroma, 0.17), c.hue}),
          hex({std::clamp(c.lightness + 0.28, 0.76, 0.86), std::min(chroma, 0.12), c.hue})};
}

} // namespace lyceum::views::mail
