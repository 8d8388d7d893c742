// SPDX-License-Identifier: Apache-2.0
// Range, If-Range, If-None-Match and dates. Properties: a part lies within its file; a date that is read is written and
// read again as the same.

#include "http/range.hpp"
#include "check.hpp"

#include <cstdint>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lyceum::http;
  if (size < 8)
    return 0;
  std::int64_t bytes = 0;
  std::memcpy(&bytes, data, 8);
  bytes &= INT64_MAX;
  const std::string_view text(reinterpret_cast<const char*>(data) + 8, size - 8);

  const auto part = read_range(text, bytes);
  if (part.what == byte_range::kind::part) {
    FUZZ_CHECK(part.first >= 0 && part.length > 0);
    FUZZ_CHECK(part.first < bytes && part.length <= bytes - part.first);
  }
  content_range(part, bytes);
  etag_matches(text, "\"tag\"");
  range_applies(text, "\"tag\"", {});
  if (const auto date = read_http_date(text))
    FUZZ_CHECK(read_http_date(http_date(*date)) == date);
  return 0;
}
