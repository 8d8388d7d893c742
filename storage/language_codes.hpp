// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace lyceum::storage {

/// True where a tag's first part is one of ISO 639-1's two letters: what is most likely meant as a language, and not as the end of a
/// name ("intro-to-node.js.md"). Three letters are never sure.
bool is_common_language(std::string_view tag);

} // namespace lyceum::storage
