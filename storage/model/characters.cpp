// SPDX-License-Identifier: Apache-2.0
#include "storage/model/characters.hpp"

namespace lyceum {

std::uint32_t next_character(std::string_view text, std::size_t& at) noexcept {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (at >= text.size())
    return no_character;
  const unsigned first = octet(at);
  if (first < 0x80) {
    ++at;
    return first;
  }
  const std::size_t length = first >= 0xC2 && first < 0xE0   ? 2
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xF0 && first < 0xF5 ? 4
                                                             : 0;
  if (length == 0 || text.size() - at < length)
    return no_character;
  std::uint32_t code = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(at + i) & 0xC0) != 0x80)
      return no_character;
    code = (code << 6) | (octet(at + i) & 0x3FU);
  }
  if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > 0x10FFFF ||
      (code >= 0xD800 && code <= 0xDFFF))
    return no_character;
  at += length;
  return code;
}

void add_character(std::string& text, std::uint32_t character) {
  const auto add = [&](std::uint32_t octet) { text += static_cast<char>(octet); };
  if (character < 0x80) {
    add(character);
  } else if (character < 0x800) {
    add(0xC0 | (character >> 6));
    add(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    add(0xE0 | (character >> 12));
    add(0x80 | ((character >> 6) & 0x3F));
    add(0x80 | (character & 0x3F));
  } else {
    add(0xF0 | (character >> 18));
    add(0x80 | ((character >> 12) & 0x3F));
    add(0x80 | ((character >> 6) & 0x3F));
    add(0x80 | (character & 0x3F));
  }
}

std::uint32_t small_letter(std::uint32_t c) noexcept {
  const auto within = [c](std::uint32_t first, std::uint32_t last) { return c >= first && c <= last; };
  if (within('A', 'Z') || (within(0xC0, 0xDE) && c != 0xD7))
    return c + 0x20;
  if (c == 0x386 || c == 0x4C0)
    return c == 0x386 ? 0x3AC : 0x4CF;
  if (within(0x388, 0x38A))
    return c + 0x25;
  if (c == 0x38C)
    return 0x3CC;
  if (within(0x38E, 0x38F))
    return c + 0x3F;
  if ((within(0x391, 0x3AB) && c != 0x3A2) || within(0x410, 0x42F))
    return c + 0x20;
  if (within(0x400, 0x40F))
    return c + 0x50;
  if (within(0x531, 0x556))
    return c + 0x30;
  if (c == 0x178)
    return 0xFF;
  const bool even_is_capital = (within(0x100, 0x137) && c != 0x130) || within(0x14A, 0x177) || within(0x460, 0x481) ||
                               within(0x48A, 0x4BF) || within(0x4D0, 0x52F) || within(0x1E00, 0x1E95) ||
                               within(0x1EA0, 0x1EFF);
  const bool odd_is_capital = within(0x139, 0x148) || within(0x179, 0x17E) || within(0x4C1, 0x4CE);
  if ((even_is_capital && c % 2 == 0) || (odd_is_capital && c % 2 == 1))
    return c + 1;
  return c;
}

} // namespace lyceum
