// SPDX-License-Identifier: Apache-2.0
// A finished answer as bytes. Knows neither CAF nor Beast.
#pragma once

#include "actors/exchange.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum {

/// Header lines that every answer carries (security headers), each with its CRLF. `html` adds the content policy.
std::string_view common_header_lines(bool html);

/// The same, chosen by content type: HTML has the content policy, SVG is sandboxed (opened by itself it could run
/// script), everything else has what `common_header_lines(false)` has.
std::string_view common_header_lines_for(std::string_view content_type);

/// "HTTP/1.1 200 OK\r\n"; unknown codes get an empty reason.
std::string_view status_line(int status);

/// One encoding of a page: everything after the status line and the Date line, ready to be sent. The views point into
/// `owner` (a buffer on the heap, a file in memory, or the store's file as mapped), which `page_bytes` keeps alive.
struct page_bytes {
  std::string_view etag;     ///< strong, with its quotes; differs per encoding
  std::string_view head;     ///< header lines from after Date to the empty line, for `page::status`
  std::string_view head_304; ///< the same for 304: no Content-Length, no Content-Type, no Content-Encoding
  std::string_view body;
  std::shared_ptr<const void> owner;
  int body_file =
      -1; ///< where the kernel can take the body from without copying it, as long as `owner` lives; -1: nowhere
  std::int64_t body_at = 0;

  /// Head and body lie side by side, so an answer is one piece.
  std::string_view whole() const { return {head.data(), head.size() + body.size()}; }
};

/// A finished page with its encodings. Immutable once published. A missing encoding is null; identity never is.
/// Lives in a shared_ptr always.
struct page : std::enable_shared_from_this<page> {
  int status = 200;
  std::shared_ptr<const page_bytes> identity;
  std::shared_ptr<const page_bytes> gzip;
  std::shared_ptr<const page_bytes> brotli;
  std::vector<std::string> tags;
  std::int64_t fresh_until_us = INT64_MAX; ///< unix microseconds
  std::int64_t content_seq = 0;            ///< 0: not known; `page_table::put` then trusts the page
  std::int64_t modified_s = -1;            ///< Last-Modified in unix seconds; -1: the answer has none
  std::string route;
  bool immutable = false; ///< named by its content: worth brotli's best
  bool alike = false;     ///< every tier may have it; kept under a guest's key alone

  std::size_t bytes() const; ///< what it costs in memory: bodies, heads, and what the table keeps beside them
};
using page_ptr = std::shared_ptr<const page>;

/// Encodings that a visitor accepts, as bits.
enum : unsigned { accepts_gzip = 1, accepts_brotli = 2 };

/// From an Accept-Encoding value (RFC 9110 12.5.3: q=0 refuses, "*" stands for all not named). Absent: identity only.
unsigned accepted_encodings(std::string_view accept_encoding);

/// The encoding to send: brotli, else gzip, else identity, among those made and accepted. Never null.
const page_bytes& choose(const page&, unsigned accepted);

/// True where an If-None-Match value matches this page in any of its encodings ("*" too; weak comparison). A tag of an
/// encoding that is not made yet matches too, since all are made from one body.
bool matches_any(const page&, std::string_view if_none_match);

/// True where an If-Modified-Since value is not before the page's Last-Modified. To be asked only without
/// If-None-Match.
bool unmodified_since(const page&, std::string_view if_modified_since);

/// Unix seconds of "Sun, 06 Nov 1994 08:49:37 GMT" (the form of RFC 9110 5.6.7 that everyone sends); -1 for all else.
std::int64_t parse_http_date(std::string_view text);

/// The page of a response whose cache rule is `page` or `immutable`, with identity alone. `who` is the tier that it was
/// made for: pages of a tier are `private`, unless they are alike for all. Null where the answer must not be kept: its rule says so, it has a file or
/// Set-Cookie, its status is none of 200, 301, 302, 303, 307, 308, 404, 410, or a header line of it is malformed;
/// `answer` is then left as it was.
page_ptr make_page(response&& answer, std::string route, const viewer& who = {});

/// The same page with gzip and brotli beside identity, where they are smaller by at least a tenth and the body has 1
/// KiB or more. CPU: about 1.5 ms for 20 KiB. `quality` is brotli's (5 at first, 11 for what is named by content).
page_ptr with_encodings(const page&, int brotli_quality);

/// Appends "Name: value\r\n". False, and nothing appended, where either could break out of its line (RFC 9110 5.5).
bool append_header(std::string& to, std::string_view name, std::string_view value);

} // namespace lyceum
