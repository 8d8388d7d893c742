// SPDX-License-Identifier: Apache-2.0
// A quick hash of bytes, for the table's index and the store's checksums. Not for ETags: it can be aimed at.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace lyceum {

/// Multiplies 64 by 64 bits and folds the 128 into 64: every bit in reaches every bit out.
inline std::uint64_t folded_multiply(std::uint64_t a, std::uint64_t b) {
  __extension__ using wide = unsigned __int128;
  wide product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Sixteen bytes a step. Two seeds give independent hashes.
inline std::uint64_t quick_hash(std::string_view bytes, std::uint64_t seed) {
  constexpr std::uint64_t first = 0x9e3779b97f4a7c15, second = 0xd1b54a32d192ed03;
  auto word = [](const char* at) {
    std::uint64_t w = 0;
    std::memcpy(&w, at, sizeof w);
    return w;
  };
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t state = seed ^ folded_multiply(bytes.size() + first, second);
  for (; left > 16; at += 16, left -= 16)
    state = folded_multiply(word(at) ^ first, word(at + 8) ^ state ^ second);
  std::uint64_t low = 0, high = 0;
  if (left >= 8) {
    low = word(at);
    high = word(at + left - 8);
  } else if (left > 0) {
    std::memcpy(&low, at, left);
  }
  return folded_multiply(folded_multiply(low ^ first, high ^ state ^ second), state ^ second);
}

} // namespace lyceum
