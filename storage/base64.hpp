// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lyceum::storage {

/// RFC 4648's base64 with '-' and '_', without padding.
std::string base64url(std::span<const unsigned char> octets);

/// What base64url made a text from. Nothing for any text that it does not make: padding, spaces, unused last bits that are set.
std::optional<std::string> from_base64url(std::string_view text);

} // namespace lyceum::storage
