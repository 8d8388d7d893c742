// SPDX-License-Identifier: Apache-2.0
// Passwords: which may be chosen, and how they are kept. Pure, and slow on purpose: a hash takes tens of milliseconds and 19 MiB, so whoever
// calls bounds how many run at once.
#pragma once

#include "storage/model/expected.hpp"
#include "storage/model/mail_address.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace lyceum::storage {

inline constexpr std::size_t password_characters_min = 8;      ///< NIST SP 800-63B 5.1.1.1, ASVS 5.0 6.2.1
inline constexpr std::size_t password_characters_advised = 15; ///< ASVS 5.0 6.2.1
inline constexpr std::size_t password_octets_max = 1024;       ///< hashed whole up to here, refused beyond

/// Argon2id, OWASP's first choice for 19 MiB (Password Storage Cheat Sheet): memory in KiB, passes, one lane.
inline constexpr std::size_t password_memory_kib = 19 * 1024;
inline constexpr unsigned long long password_passes = 2;

/// How long a password that may be chosen is.
enum class password_length {
  enough,  ///< of password_characters_min: say that longer is better
  advised, ///< of password_characters_advised
};

/// Judges a password that somebody chooses for the account of `address` on the site named `site_name`. Nothing of it is changed: every octet
/// counts, spaces too. Characters are those of Unicode.
///   invalid    too short, not UTF-8, the address or a part of it, the site's name, or common; a sentence that says what to do
///   too_large  over password_octets_max
expected<password_length> judge_password(std::string_view password, const mail_address& address,
                                         std::string_view site_name);

/// The password's hash with a new random salt, as a PHC string ("$argon2id$v=19$m=19456,t=2,p=1$…", 97 octets).
///   too_large    over password_octets_max
///   unavailable  no 19 MiB to be had
expected<std::string> hash_password(std::string_view password);

/// True where `hash` was made from `password`; in the same time for whatever is not. Give dummy_password_hash() for an account
/// that is not there or has no password, so that asking about one costs the same.
///   unavailable  no memory to be had
/// Throws std::invalid_argument where `hash` is no Argon2id PHC string, or asks for over 256 MiB or 16 passes: no such row exists.
expected<bool> password_matches(std::string_view password, std::string_view hash);

/// True where a hash was made with other costs than today's: make it anew when its owner next signs in.
bool needs_rehash(std::string_view hash);

/// The hash of a password that nobody knows, with today's costs.
std::string_view dummy_password_hash() noexcept;

} // namespace lyceum::storage
