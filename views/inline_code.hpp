// SPDX-License-Identifier: Apache-2.0
// Backticks in titles and summaries. Front matter is no Markdown, but people who teach programming write code in it.
#pragma once

#include <string>
#include <string_view>

namespace lyceum::views {

/// The text as HTML: escaped, with what stands between runs of equally many backticks as <code> (CommonMark 0.30, 6.1).
std::string inline_code_html(std::string_view text);

/// The text without the backticks that inline_code_html would turn into code: for <title>, feeds and structured data.
std::string without_code_marks(std::string_view text);

} // namespace lyceum::views
