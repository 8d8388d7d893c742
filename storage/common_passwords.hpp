// SPDX-License-Identifier: Apache-2.0
// Passwords that are tried first by whoever guesses. Pure.
#pragma once

#include "storage/model/embedded.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage {

/// `common_passwords.txt`, embedded.
std::span<const embedded_file> common_password_files();
/// Its lines: sorted, each followed by a line end.
std::string_view common_password_lines();

/// True where a line of the list is `password`, octet for octet.
bool is_listed(std::string_view password);

/// What a guesser makes a password from, by dropping what people add: in small letters, without up to six digits or signs behind, without
/// up to four before, and with signs that stand for letters read as these ("p4$$w0rd"). Itself first; at most 42, and none is empty.
std::vector<std::string> plain_forms(std::string_view password);

/// True for a password of the list, for a variant of one, for one with another behind it ("dragon123456"), and for one that is a single
/// piece of up to four octets or of the list over and over ("abababab"), or a run ("23456789", "hgfedcba").
/// Source: NIST SP 800-63B 5.1.1.2 (dictionary, repetitive and sequential ones), ASVS 5.0 6.2.4 (the 3,000 most common; ours are 30,000).
bool is_common_password(std::string_view password);

} // namespace lyceum::storage
