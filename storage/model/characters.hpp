// SPDX-License-Identifier: Apache-2.0
// Characters of UTF-8, one at a time. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lyceum {

/// What next_character gives where none starts.
inline constexpr std::uint32_t no_character = 0xFFFFFFFF;

/// The character that starts at `at`, which moves behind it. no_character, and `at` stays, at the end and where it is not UTF-8
/// (RFC 3629: no surrogates, no overlong forms).
std::uint32_t next_character(std::string_view text, std::size_t& at) noexcept;

/// Adds a character to some UTF-8.
void add_character(std::string& text, std::uint32_t character);

/// A letter's small form where it is one character: of ASCII, Latin-1, Latin Extended-A and Additional, Greek, Cyrillic and Armenian. What is no
/// capital of these stays.
std::uint32_t small_letter(std::uint32_t character) noexcept;

} // namespace lyceum
