// SPDX-License-Identifier: Apache-2.0
// The second factor: codes that change with the time (RFC 6238), and codes on paper for who has lost the device. Pure.
#pragma once

#include "storage/model/expected.hpp"
#include "storage/model/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage {

inline constexpr std::size_t totp_secret_octets = 20; ///< 160 bits: RFC 4226 section 4, R6
inline constexpr std::chrono::seconds totp_step{30};  ///< RFC 6238 section 5.2
inline constexpr int totp_digits = 6;                 ///< what authenticator programs show
inline constexpr std::int64_t totp_window = 1;        ///< steps before and after that are taken too: clocks differ

/// A new secret: totp_secret_octets from the system's random numbers.
std::string make_totp_secret();

/// RFC 4648's base32 in capitals, without padding.
std::string base32(std::string_view octets);
/// What base32 was made from; spaces and case do not matter. Nothing where it is not base32, or its unused last bits are set.
std::optional<std::string> from_base32(std::string_view text);

/// Which step of 30 s since 1970 a moment is in.
std::int64_t totp_step_of(unix_time now) noexcept;

/// The code of one step, by HMAC-SHA-1, with leading zeros. `digits` is 6 to 8.
std::string totp_code(std::string_view secret, std::int64_t step, int digits = totp_digits);

/// The step whose code was typed, where it is within totp_window of `now` and after `last_step`, the one taken last (0: none yet).
/// Keep what comes back as `last_step` in the same transaction, or a code can be taken twice (RFC 6238 section 5.2). Spaces in `typed`
/// do not matter. Takes the same time for every six digits.
std::optional<std::int64_t> totp_taken_step(std::string_view secret, std::string_view typed, unix_time now,
                                            std::int64_t last_step);

/// What a QR code for authenticator programs holds: "otpauth://totp/School:ann%40example.org?secret=…&issuer=School&algorithm=SHA1&digits=6&period=30".
/// A colon, which parts the two, becomes a space in either.
/// Source: Google Authenticator's Key URI Format.
std::string totp_uri(std::string_view issuer, std::string_view label, std::string_view secret);

inline constexpr std::size_t recovery_codes = 10;

/// New codes of 24 letters and digits, 120 bits: "k7f3qm-9x2wtd-hb8pzr-4nvg6s". No l, o, 0 or 1. Shown once, kept as recovery_hash.
std::vector<std::string> make_recovery_codes();

/// SHA-256 of a code, as 64 hexadecimal digits; case, spaces and hyphens do not matter. Empty where it has not the form of a code.
/// A fast hash is enough: no guess hits 112 bits or more (ASVS 5.0 6.5.2).
std::string recovery_hash(std::string_view typed);

/// Which of some hashes a typed code belongs to. Delete it as it is used: each is for once. Compares with all of them.
std::optional<std::size_t> find_recovery(std::string_view typed, std::span<const std::string> hashes);

} // namespace lyceum::storage
