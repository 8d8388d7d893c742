// SPDX-License-Identifier: Apache-2.0
// From a target's octets to a path and a query that may be compared.
#pragma once

#include "storage/model/expected.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lyceum::http {

using query_fields = std::vector<std::pair<std::string, std::string>>;

struct target {
  static constexpr std::size_t query_fields_max = 200;

  std::string path;   ///< decoded once; starts with '/'; valid UTF-8; no control octet, no "//", no "." or ".." part
  query_fields query; ///< decoded, '+' is a space; in the order sent
};

/// Reads a target in origin form (or what an absolute form leaves of it).
///   invalid    a percent sign that encodes nothing, NUL or another control, what is not UTF-8, a slash or backslash in
///   disguise,
///              a "." or ".." part however written, more than 200 query fields
///   not_found  an empty part: "//"
expected<target> read_target(std::string_view text);

/// The fields of a query or of an urlencoded form. `invalid` as above.
expected<query_fields> read_query(std::string_view text, std::size_t fields_max = target::query_fields_max);

/// Decodes %XX once; nullopt-like failure is `invalid`. `plus` reads '+' as a space.
expected<std::string> percent_decoded(std::string_view text, bool plus);

/// A decoded path as it is sent: what RFC 3986 allows in a segment stays, everything else is encoded.
std::string encoded_path(std::string_view path);

bool is_utf8(std::string_view text) noexcept;

} // namespace lyceum::http
