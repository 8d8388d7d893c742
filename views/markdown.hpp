// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/expected.hpp"
#include "storage/model/rendered.hpp"

#include <map>
#include <string>
#include <string_view>

namespace lyceum::views {

/// Goes up whenever the same input may give other HTML: kept HTML of older versions is made again.
inline constexpr int renderer_version = 3;

inline constexpr std::size_t lesson_bytes_max = 256 * 1024;
inline constexpr std::size_t comment_bytes_max = 8 * 1024;

/// Coloured code by block hash: what goes inside <code>, already escaped and allow-listed.
using colours = std::map<std::string, std::string, std::less<>>;

/// A lesson, article or page to HTML. Pure; bounded in input, nesting, columns, output and time.
///   too_large  more than `lesson_bytes_max`, or a bound of nesting, columns or output is passed; `detail` says which
///   invalid    not UTF-8
expected<rendered_text> render_lesson(const render_input& input, const colours& known = {});

/// Whether `render_lesson` would take the text, and where it would not. A `render_judge`.
std::optional<refusal> refusal_of(const render_input& input);

/// A stranger's text: no HTML, no headings' anchors, links with rel="nofollow ugc", `comment_bytes_max`.
expected<rendered_text> render_comment(std::string_view markdown);

} // namespace lyceum::views
