// SPDX-License-Identifier: Apache-2.0
#include "storage/model/punycode.hpp"

#include "storage/model/characters.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace lyceum {
namespace {

// RFC 3492, section 5
constexpr std::uint32_t base = 36, tmin = 1, tmax = 26, skew = 38, damp = 700, initial_bias = 72, initial_n = 128;

std::uint32_t adapted(std::uint32_t delta, std::uint32_t count, bool first) {
  delta = first ? delta / damp : delta / 2;
  delta += delta / count;
  std::uint32_t k = 0;
  for (; delta > ((base - tmin) * tmax) / 2; k += base)
    delta /= base - tmin;
  return k + (base - tmin + 1) * delta / (delta + skew);
}

char digit(std::uint32_t value) {
  return static_cast<char>(value < 26 ? 'a' + value : '0' + (value - 26));
}

void add_number(std::string& out, std::uint32_t number, std::uint32_t bias) {
  for (std::uint32_t k = base;; k += base) {
    const std::uint32_t least = k <= bias ? tmin : std::min(k - bias, tmax);
    if (number < least)
      break;
    out += digit(least + (number - least) % (base - least));
    number = (number - least) / (base - least);
  }
  out += digit(number);
}

} // namespace

std::string punycode(std::string_view text) {
  if (text.size() > punycode_octets_max)
    throw std::length_error("too long for Punycode");
  std::vector<std::uint32_t> characters;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = next_character(text, at);
    if (c == no_character)
      throw std::invalid_argument("Punycode of what is not UTF-8");
    characters.push_back(c);
    if (c < 0x80)
      out += static_cast<char>(c);
  }
  const auto basic = static_cast<std::uint32_t>(out.size());
  auto done = basic;
  if (basic > 0)
    out += '-';

  std::uint32_t n = initial_n, delta = 0, bias = initial_bias;
  while (done < characters.size()) {
    auto least = no_character;
    for (const auto c : characters)
      if (c >= n)
        least = std::min(least, c);
    delta += (least - n) * (done + 1);
    n = least;
    for (const auto c : characters) {
      if (c < n)
        ++delta;
      if (c != n)
        continue;
      add_number(out, delta, bias);
      bias = adapted(delta, done + 1, done == basic);
      delta = 0;
      ++done;
    }
    ++delta;
    ++n;
  }
  return out;
}

} // namespace lyceum
