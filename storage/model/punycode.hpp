// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lyceum {

/// More octets than a mail address has; within them the sums cannot overflow.
inline constexpr std::size_t punycode_octets_max = 254;

/// RFC 3492's Punycode of some UTF-8 without "xn--", its case kept. Throws std::length_error over punycode_octets_max, and
/// std::invalid_argument where it is not UTF-8.
std::string punycode(std::string_view text);

} // namespace lyceum
