// SPDX-License-Identifier: Apache-2.0
// Text as HTML and XML hold it, in elements and in quoted attributes alike.
#pragma once

#include <string>
#include <string_view>

namespace lyceum::views {

/// Appends `text` with & < > " ' as references. The apostrophe's is a number: mail programs older than HTML 5 know no other.
void append_escaped(std::string& to, std::string_view text);
std::string escaped(std::string_view text);

} // namespace lyceum::views
