// SPDX-License-Identifier: Apache-2.0
// A strict reader of our own output: HTML and XML whose elements nest and whose attributes are double-quoted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views::markup {

/// What breaks the nesting, the quoting or the escaping, with the place; empty where all is well.
std::string fault_of(std::string_view text);

/// The first inline script, inline style, style element or handler attribute; empty where there is none. JSON-LD is data.
std::string inline_code_of(std::string_view html);

/// Every href, src and poster, in order.
std::vector<std::string> links_of(std::string_view html);

/// What stands between two marks; empty where the first is not there.
std::string between(std::string_view text, std::string_view first, std::string_view last);

int count(std::string_view text, std::string_view part);

} // namespace lyceum::views::markup
