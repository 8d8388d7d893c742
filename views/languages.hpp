// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace lyceum::views {

/// A language by its own name ("Deutsch", "中文（简体）"), for those who are looking for it; the tag itself where we do not
/// know it.
std::string native_name(std::string_view tag);

/// "rtl" where the language is written from right to left, else "ltr". Looks at the script where the tag has one.
std::string_view direction(std::string_view tag);

/// The tag as HTML and HTTP write it: "zh-Hans", "pt-BR".
std::string canonical_tag(std::string_view tag);

} // namespace lyceum::views
