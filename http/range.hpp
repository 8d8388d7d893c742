// SPDX-License-Identifier: Apache-2.0
// Range and conditional requests for files (RFC 9110 13 and 14).
#pragma once

#include "storage/model/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum::http {

/// What of a file is to be sent.
struct byte_range {
  enum class kind {
    whole,         ///< 200: no Range, one that is malformed or has several parts (which RFC 9110 14.2 lets us ignore)
    part,          ///< 206: `length` bytes from `first`
    unsatisfiable, ///< 416
  };
  kind what = kind::whole;
  std::int64_t first = 0;
  std::int64_t length = 0;

  bool operator==(const byte_range&) const = default;
};

/// `range` is the field's value, empty where absent; `bytes` the file's length.
byte_range read_range(std::string_view range, std::int64_t bytes);

/// True where If-Range (empty: absent) lets Range count: the same strong ETag, or exactly its Last-Modified date.
bool range_applies(std::string_view if_range, std::string_view etag, unix_time modified);

/// "bytes 0-99/1000", or "bytes */1000" for one that cannot be satisfied.
std::string content_range(const byte_range&, std::int64_t bytes);

/// True where a list of entity tags holds `etag` ("*" too). Weak comparison (If-None-Match).
bool etag_matches(std::string_view list, std::string_view etag);
/// The same by strong comparison (If-Match): a weak tag equals none.
bool etag_matches_strongly(std::string_view list, std::string_view etag);

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(unix_time);
/// Any of RFC 9110's three forms; nullopt where malformed.
std::optional<unix_time> read_http_date(std::string_view);

} // namespace lyceum::http
