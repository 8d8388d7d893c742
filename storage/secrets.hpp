// SPDX-License-Identifier: Apache-2.0
// Secrets that are handed out, and what is kept of them. The operating system's random numbers, by libsodium.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace lyceum::storage::secrets {

/// A new token of 256 random bits: 43 characters of base64url (RFC 4648, section 5), without padding.
std::string make_token();

/// True for what `make_token` may have made, by its form. What is none need not be looked for.
bool is_token(std::string_view text);

/// What is stored of a token: its SHA-256, 64 hexadecimal digits. Enough for 256 random bits, and quick to look up.
std::string hash_of_token(std::string_view token);
/// The same as octets, for who asks it for every request: no memory, no failure.
std::array<unsigned char, 32> digest_of_token(std::string_view token) noexcept;

/// Six random digits, each of the million equally likely.
std::string make_code();

/// What is stored of a code: HMAC-SHA-256 (RFC 2104) of `context` and `code`, 64 hexadecimal digits. A million codes are soon tried, so
/// the key is not in the database: at least 32 octets, else it throws `std::invalid_argument`. `context` (the asking browser's hash)
/// makes equal codes look different.
std::string hash_of_code(std::string_view key, std::string_view context, std::string_view code);

/// Whether two texts are equal, in a time that tells nothing but whether their lengths are.
bool equal(std::string_view a, std::string_view b);

} // namespace lyceum::storage::secrets
