// SPDX-License-Identifier: Apache-2.0
// From a response to the octets of its head.
#pragma once

#include "actors/exchange.hpp"
#include "http/range.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum::http {

/// What every answer that is not a ready page begins with.
struct answer_start {
  int status = 200;
  std::string_view date_line;       ///< "Date: …\r\n"
  std::string_view connection_line; ///< "", "Connection: close\r\n", "Connection: keep-alive\r\n"
  std::string_view request_id;

  std::string text() const;
};

/// The whole head of an answer that is not kept. `length` nullopt: a status that has none. Headers whose name or value
/// would break the grammar are left out.
std::string answer_head(const answer_start&, const response&, std::optional<std::uint64_t> length);

/// A request's id as it is told: 16 hexadecimal digits.
std::string request_id(std::uint64_t);

/// True where a status never has a body: 1xx, 204, 304.
bool is_bodiless(int status) noexcept;

/// What to send of a file, after the conditions of RFC 9110 13.2.2 and Range.
struct file_plan {
  int status = 200; ///< 200, 206, 304, 412 or 416
  byte_range part;
};
/// `etag` empty: the file is not the one that its ETag was made for. No tag matches it then, and it is sent whole.
file_plan plan_file(const request&, const file_body&, std::int64_t bytes);
/// Content-Type, ETag, Last-Modified and what else belongs to a file's answer.
void add_file_headers(response&, const file_body&, const file_plan&, std::int64_t bytes);

} // namespace lyceum::http
